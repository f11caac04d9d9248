import { createDataset } from '../../../shared/catalog/datasets.ts';
import type { Dataset } from '../../../shared/entities/dataset.ts';
import { hasCode } from '../../../shared/errors.ts';
import { AREAS } from '../../../shared/formats/format.ts';
import { FORMAT_NAMES } from '../../../shared/formats/registry.ts';
import type { Answer } from '../../command.ts';
import { WrongUsage } from '../../errors.ts';
import { EXIT_CODES } from '../../exit-codes.ts';
import { localRoot } from '../../local-root.ts';
import { importLines, lossLines } from '../../output/import-report.ts';
import { parts } from '../../output/parts.ts';
import { find } from '../../references.ts';
import { runFunction } from '../../run-function.ts';
import type { Session } from '../../session.ts';
import { readPartition } from './partition.ts';

interface ImportOptions {
  format: string;
  partition: string;
  strict?: boolean;
  media: boolean;
  allowUnlabelled?: boolean;
  spreadsheetSafe?: boolean;
  areas: string;
  to: string;
  project?: string;
}

/** Reads a folder of annotation files, with the pictures beside them, into a dataset. */
export async function importFolder(
  session: Session,
  reference: string,
  folder: string,
  options: ImportOptions,
): Promise<Answer> {
  const { format, strict = false, media, allowUnlabelled = false } = options;
  const formats = ['auto', ...FORMAT_NAMES];
  if (!formats.includes(format))
    throw new WrongUsage(`--format takes ${formats.join(', ')}, not ${JSON.stringify(format)}.`);
  if (!(AREAS as readonly string[]).includes(options.areas))
    throw new WrongUsage(`--areas takes ${AREAS.join(', ')}, not ${JSON.stringify(options.areas)}.`);
  const partition = readPartition('--partition', options.partition, ['all', 'none'])!;
  const root = await localRoot(session, folder);
  const dataset = await findOrCreate(session, reference, options.project);
  const { output, executionId } = await runFunction(
    session,
    'convert',
    {
      dataset: dataset.id,
      from: { type: 'local', localPath: root },
      folder: options.to,
      format,
      strict,
      media,
      partition,
      allowUnlabelled,
      ...(options.spreadsheetSafe && { spreadsheetSafe: true }),
      areas: options.areas,
    },
    { localRoots: [root] },
  );
  return {
    json: { ...output, executionId },
    text: [...importLines(output), ...lossLines(parts(output, 'losses'))].join('\n'),
    ...(parts(output, 'failed').length > 0 && { exitCode: EXIT_CODES.refused }),
  };
}

/** With a project, a dataset that is not there is created in it. */
async function findOrCreate(
  session: Session,
  reference: string,
  project: string | undefined,
): Promise<Dataset> {
  try {
    return await find(session, 'Dataset', reference);
  } catch (error) {
    if (project === undefined || !hasCode(error, 'EntityNotFound')) throw error;
    const { id } = await find(session, 'Project', project);
    return createDataset(session.platform, session.actor, { name: reference, projects: [id] });
  }
}
