import { type ImportEntry, uploadItems } from '../../../shared/catalog/item-import.ts';
import { readFolderPath } from '../../../shared/catalog/item-path.ts';
import type { Partition } from '../../../shared/entities/item.ts';
import type { Answer } from '../../command.ts';
import { csvEntries, isCsv } from '../../csv-entries.ts';
import { WrongUsage } from '../../errors.ts';
import { EXIT_CODES } from '../../exit-codes.ts';
import { findFiles, folderEntries, type LeftOutFile } from '../../folder-entries.ts';
import { unreadableLines } from '../../output/parts.ts';
import { progressBar } from '../../output/progress-bar.ts';
import { visible } from '../../output/table.ts';
import { countText } from '../../output/units.ts';
import { find } from '../../references.ts';
import type { Session } from '../../session.ts';
import { readPartition } from './partition.ts';

interface UploadOptions {
  labelsFromFolders?: boolean;
  labelColumn?: string;
  partition?: string;
  to: string;
  overwrite?: boolean;
}

/** Failures told to people; the JSON has all of them. */
const SHOWN_FAILURES = 20;

/** Uploads a folder's files, or a table's rows. What could not be taken in is told, and ends in exit code 5. */
export async function upload(
  session: Session,
  reference: string,
  folder: string,
  options: UploadOptions,
): Promise<Answer> {
  const { platform, actor, io } = session;
  checkOptions(folder, options);
  const to = options.to === '/' ? '/' : readFolderPath(options.to).filename;
  const partition = readPartition('--partition', options.partition) as Partition | undefined;
  const dataset = await find(session, 'Dataset', reference);
  const { entries, total, leftOut } = await openSource(session.path(folder), { ...options, to, partition });
  const bar = progressBar(io, 'upload', session.mode.json);
  const done = await uploadItems(platform, actor, dataset.id, entries, {
    mode: options.overwrite ? 'overwrite' : 'skip',
    signal: io.interrupted,
    onProgress: (count) =>
      bar.update(
        total === undefined ? 0 : count / total,
        countText(count, total === undefined ? 'row' : 'file'),
      ),
  }).finally(() => bar.end());
  const failed = [
    ...leftOut.map(({ path, reason }) => ({ path, code: 'LeftOut', message: reason })),
    ...done.failures.map(({ path, error }) => ({ path, code: error.code, message: error.message })),
  ];
  const { created, overwritten, existed, unreadable } = done;
  return {
    json: { datasetId: dataset.id, created, overwritten, existed, failed, unreadable },
    text: [
      `${dataset.name}: ${created} created, ${overwritten} overwritten, ${existed} there already, ${failed.length} left out.`,
      ...(existed > 0 && !options.overwrite
        ? ['What was there already is as it was; --overwrite replaces it.']
        : []),
      ...failed
        .slice(0, SHOWN_FAILURES)
        .map(({ path, message }) => `  ${visible(path)}: ${visible(message)}`),
      ...(failed.length > SHOWN_FAILURES ? [`  and ${failed.length - SHOWN_FAILURES} more; see --json`] : []),
      ...unreadableLines(unreadable.map(({ path, problem }) => ({ filename: path, message: problem }))),
    ].join('\n'),
    ...(failed.length > 0 && { exitCode: EXIT_CODES.refused }),
  };
}

interface Source {
  entries: Iterable<ImportEntry> | AsyncIterable<ImportEntry>;
  /** Number of entries, when it is known beforehand. */
  total: number | undefined;
  leftOut: LeftOutFile[];
}

async function openSource(
  path: string,
  options: Omit<UploadOptions, 'partition'> & { partition: Partition | undefined },
): Promise<Source> {
  if (isCsv(path)) return { entries: csvEntries(path, options), total: undefined, leftOut: [] };
  const { files, leftOut } = await findFiles(path);
  return { entries: folderEntries(files, options), total: files.length, leftOut };
}

function checkOptions(folder: string, { labelsFromFolders, labelColumn }: UploadOptions): void {
  if (isCsv(folder) && labelsFromFolders)
    throw new WrongUsage('--labels-from-folders goes with a folder; a CSV file takes --label-column.');
  if (!isCsv(folder) && labelColumn !== undefined)
    throw new WrongUsage('--label-column goes with a .csv file; a folder takes --labels-from-folders.');
}
