import { mkdir, realpath } from 'node:fs/promises';
import type { Command } from 'commander';
import { FORMAT_NAMES } from '../../shared/formats/registry.ts';
import type { JsonObject } from '../../shared/json.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import { WrongUsage } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { localRoot } from '../local-root.ts';
import { maxUnreadableShare, numberOption } from '../options.ts';
import { importLines, lossLines } from '../output/import-report.ts';
import { failedLines, part, parts } from '../output/parts.ts';
import { countText, sizeText } from '../output/units.ts';
import { find } from '../references.ts';
import { runFunction } from '../run-function.ts';
import type { Session } from '../session.ts';
import { readPartition } from './datasets/partition.ts';

/** `modelfn convert`. */
export function registerConvert(program: Command, io: CliIo): void {
  withExamples(
    program
      .command('convert')
      .description(
        "Write a dataset in the adapter's own training layout or in a format, or read either back into items.",
      )
      .argument('<snapshot>', 'id or name; its adapter and configuration convert')
      .option('--to <folder>', 'folder the layout is written to; made when it is missing')
      .option('--from <folder>', 'folder with a layout, read back into items of --dataset')
      .option('--format <format>', `adapter, auto, ${FORMAT_NAMES.join(', ')}`, 'adapter')
      .option('--strict', 'with --format: refuse what would be lost, before anything is written')
      .option('--no-media', "with --format: leave out the items' own files")
      .option('--dataset <dataset>', "another dataset than the snapshot's own")
      .option(
        '--partition <partition>',
        'train, validation, test or all; with --from and --format: the partition that items get, all for those that the files name, or none',
        'all',
      )
      .option('--allow-unlabelled', 'with --from and --format: accept files without a single annotation')
      .option(
        '--spreadsheet-safe',
        'with --format csv: write, or read back, cells so that no spreadsheet takes one for a formula',
      )
      .option('--folder <path>', 'with --from: folder of the dataset that gets the items', '/')
      .option(
        '--max-unreadable-share <share>',
        'with --to: share of the items, 0 to 1, that may be unreadable; rounded up to whole items',
        numberOption,
      )
      .action(onSession(io, convert)),
    'modelfn convert rbf --partition train --to ./layout',
    'modelfn convert rbf --from ./layout --dataset copy',
    'modelfn convert rbf --format coco --strict --to ./coco',
  );
}

interface ConvertOptions {
  to?: string;
  from?: string;
  dataset?: string;
  partition: string;
  folder: string;
  format: string;
  strict?: boolean;
  media: boolean;
  allowUnlabelled?: boolean;
  spreadsheetSafe?: boolean;
  maxUnreadableShare?: number;
}

async function convert(session: Session, reference: string, options: ConvertOptions): Promise<Answer> {
  const { to, from } = options;
  if ((to === undefined) === (from === undefined))
    throw new WrongUsage('Give either --to with the folder to write, or --from with the folder to read.');
  const { format, strict = false, media, allowUnlabelled = false } = options;
  if (format === 'adapter' && (strict || !media))
    throw new WrongUsage('--strict and --no-media belong to a format: add --format coco, or another one.');
  if (options.spreadsheetSafe && format !== 'csv')
    throw new WrongUsage('--spreadsheet-safe belongs to tables: add --format csv.');
  const partition = readPartition('--partition', options.partition, ['all', 'none'])!;
  const snapshot = await find(session, 'Snapshot', reference);
  const dataset = options.dataset === undefined ? undefined : await find(session, 'Dataset', options.dataset);
  const folder = to === undefined ? await localRoot(session, from!) : await targetFolder(session, to);
  const bucket = { type: 'local', localPath: folder };
  const inputs: JsonObject = {
    snapshot: snapshot.id,
    ...(format !== 'adapter' && { format, strict, media }),
    ...(options.spreadsheetSafe && { spreadsheetSafe: true }),
    ...(dataset && { dataset: dataset.id }),
    ...maxUnreadableShare(options),
    ...(to === undefined
      ? { from: bucket, folder: options.folder, ...(format !== 'adapter' && { partition, allowUnlabelled }) }
      : { bucket, partition }),
  };
  const { output, executionId } = await runFunction(session, 'convert', inputs, { localRoots: [folder] });
  const failed = parts(output, 'failed');
  return {
    json: { ...output, executionId },
    text: [
      to === undefined ? importLines(output).join('\n') : writtenText(output, to, failed),
      ...lossLines(parts(output, 'losses')),
    ].join('\n'),
    ...(failed.length > 0 && { exitCode: EXIT_CODES.refused }),
  };
}

async function targetFolder(session: Session, to: string): Promise<string> {
  await mkdir(session.path(to), { recursive: true });
  return localRoot(session, await realpath(session.path(to)));
}

function writtenText(output: JsonObject, to: string, failed: readonly JsonObject[]): string {
  const { count, size } = sizeOf(output);
  const items = Object.entries(part(output, 'items')).map(([partition, count]) => `${count} ${partition}`);
  return [
    `Wrote ${items.join(', ')} to ${to}: ${countText(count, 'file')}, ${sizeText(size)}.`,
    ...(Number(output.unlabelled) > 0 ? [`Without a label: ${output.unlabelled}`] : []),
    ...(failed.length > 0 ? [`Failed: ${output.failures ?? failed.length}`, ...failedLines(failed)] : []),
  ].join('\n');
}

function sizeOf(output: JsonObject): { count: number; size: number } {
  const { files, sizeBytes } = part(output, 'written');
  if (files !== undefined) return { count: Number(files), size: Number(sizeBytes) };
  const listed = parts(output, 'files');
  return { count: listed.length, size: listed.reduce((sum, each) => sum + Number(each.sizeBytes), 0) };
}
