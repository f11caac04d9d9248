import { mkdir, realpath } from 'node:fs/promises';
import type { Command } from 'commander';
import type { JsonObject } from '../../shared/json.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import { WrongUsage } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { localRoot } from '../local-root.ts';
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
      .description("Write a dataset in the adapter's own training layout, or read a layout back into items.")
      .argument('<snapshot>', 'id or name; its adapter and configuration convert')
      .option('--to <folder>', 'folder the layout is written to; made when it is missing')
      .option('--from <folder>', 'folder with a layout, read back into items of --dataset')
      .option('--dataset <dataset>', "another dataset than the snapshot's own")
      .option('--partition <partition>', 'with --to: train, validation, test or all', 'all')
      .option('--folder <path>', 'with --from: folder of the dataset that gets the items', '/')
      .action(onSession(io, convert)),
    'modelfn convert rbf --partition train --to ./layout',
    'modelfn convert rbf --from ./layout --dataset copy',
  );
}

interface ConvertOptions {
  to?: string;
  from?: string;
  dataset?: string;
  partition: string;
  folder: string;
}

async function convert(session: Session, reference: string, options: ConvertOptions): Promise<Answer> {
  const { to, from } = options;
  if ((to === undefined) === (from === undefined))
    throw new WrongUsage('Give either --to with the folder to write, or --from with the folder to read.');
  const partition = readPartition('--partition', options.partition, ['all'])!;
  const snapshot = await find(session, 'Snapshot', reference);
  const dataset = options.dataset === undefined ? undefined : await find(session, 'Dataset', options.dataset);
  const folder = to === undefined ? await localRoot(session, from!) : await targetFolder(session, to);
  const bucket = { type: 'local', localPath: folder };
  const inputs: JsonObject = {
    snapshot: snapshot.id,
    ...(dataset && { dataset: dataset.id }),
    ...(to === undefined ? { from: bucket, folder: options.folder } : { bucket, partition }),
  };
  const { output, executionId } = await runFunction(session, 'convert', inputs, { localRoots: [folder] });
  const failed = parts(output, 'failed');
  return {
    json: { ...output, executionId },
    text: to === undefined ? readText(output, failed) : writtenText(output, to, failed),
    ...(failed.length > 0 && { exitCode: EXIT_CODES.refused }),
  };
}

async function targetFolder(session: Session, to: string): Promise<string> {
  await mkdir(session.path(to), { recursive: true });
  return localRoot(session, await realpath(session.path(to)));
}

function writtenText(output: JsonObject, to: string, failed: readonly JsonObject[]): string {
  const files = parts(output, 'files');
  const size = files.reduce((sum, { sizeBytes }) => sum + Number(sizeBytes), 0);
  const items = Object.entries(part(output, 'items')).map(([partition, count]) => `${count} ${partition}`);
  return [
    `Wrote ${items.join(', ')} to ${to}: ${countText(files.length, 'file')}, ${sizeText(size)}.`,
    ...(Number(output.unlabelled) > 0 ? [`Without a label: ${output.unlabelled}`] : []),
    ...(failed.length > 0 ? [`Failed: ${failed.length}`, ...failedLines(failed)] : []),
  ].join('\n');
}

function readText(output: JsonObject, failed: readonly JsonObject[]): string {
  return [
    `${part(output, 'dataset').name}: ${output.created} created, ${output.overwritten} overwritten.`,
    ...(failed.length > 0 ? [`Failed: ${failed.length}`, ...failedLines(failed)] : []),
  ].join('\n');
}
