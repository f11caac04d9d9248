import type { Command } from 'commander';
import type { Json, JsonObject } from '../../shared/json.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import { WrongUsage } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { jsonObjectOption, numberOption } from '../options.ts';
import { failedLines, part, parts } from '../output/parts.ts';
import { table } from '../output/table.ts';
import { countText, durationText, numberText } from '../output/units.ts';
import { find } from '../references.ts';
import { runFunction } from '../run-function.ts';
import type { Session } from '../session.ts';
import { readPartition } from './datasets/partition.ts';

/** `modelfn predict`. */
export function registerPredict(program: Command, io: CliIo): void {
  withExamples(
    program
      .command('predict')
      .description('Predict items with a snapshot; the predictions become annotations of the items.')
      .argument('<snapshot>', 'id or name')
      .option('--items <items...>', 'ids of items; with --dataset also their paths')
      .option('--dataset <dataset>', 'all items of a dataset')
      .option('--partition <partition>', 'with --dataset: only train, validation or test')
      .option('--filter <json>', 'with --dataset: conditions that narrow the items, or @file')
      .option('--min-confidence <number>', 'drop predictions below, 0 to 1', numberOption)
      .option('--no-write', 'answer the predictions and write nothing')
      .action(onSession(io, predict)),
    'modelfn predict rbf --dataset digits --partition test',
    'modelfn predict rbf --dataset digits --items /test/0001.png --no-write --json',
  );
}

interface PredictOptions {
  items?: string[];
  dataset?: string;
  partition?: string;
  filter?: string;
  minConfidence?: number;
  write: boolean;
}

async function predict(session: Session, reference: string, options: PredictOptions): Promise<Answer> {
  const filter = await filterOf(session, options);
  const snapshot = await find(session, 'Snapshot', reference);
  const dataset = options.dataset === undefined ? undefined : await find(session, 'Dataset', options.dataset);
  const { output, executionId } = await runFunction(session, 'predict', {
    snapshot: snapshot.id,
    items: itemsOf(options.items, dataset?.id, filter),
    write: options.write,
    ...(options.minConfidence !== undefined && { minConfidence: options.minConfidence }),
  });
  const failed = parts(output, 'failed');
  return {
    json: { ...output, executionId },
    text: predictText(output, failed),
    ...(failed.length > 0 && { exitCode: EXIT_CODES.refused }),
  };
}

/** The condition of partition and filter. @throws WrongUsage */
async function filterOf(session: Session, options: PredictOptions): Promise<JsonObject> {
  const partition = readPartition('--partition', options.partition);
  const filter = await jsonObjectOption(session.io, '--filter', options.filter);
  const isNarrowed = partition !== undefined || filter !== undefined;
  if (options.dataset === undefined && options.items === undefined)
    throw new WrongUsage('Say what to predict: --items with ids, or --dataset with a dataset.');
  if (isNarrowed && (options.dataset === undefined || options.items !== undefined))
    throw new WrongUsage('--partition and --filter narrow a --dataset, and go without --items.');
  return {
    ...(partition !== undefined && { 'metadata.system.snapshotPartition': partition }),
    ...(filter && { $and: [filter] }),
  };
}

function itemsOf(items: readonly string[] | undefined, datasetId: string | undefined, filter: JsonObject): Json {
  if (items === undefined) return { dataset: datasetId!, filter };
  return items.map((item): Json => {
    if (!item.startsWith('/')) return item;
    if (datasetId === undefined)
      throw new WrongUsage(`${JSON.stringify(item)} is a path: say of which --dataset, or give the item's id.`);
    return { filename: item, dataset: datasetId };
  });
}

function predictText(output: JsonObject, failed: readonly JsonObject[]): string {
  const { predictMs } = part(output, 'timings');
  const written = output.written === true ? `${countText(Number(output.annotations), 'annotation')} written` : 'nothing written';
  const rows = parts(output, 'predictions').map((each) => {
    const found = parts(each, 'annotations');
    const shown = found.slice(0, 3).map(({ label, confidence }) => `${label} ${numberText(Number(confidence))}`);
    return [String(each.filename), `${shown.join(', ')}${found.length > 3 ? ', ...' : ''}`];
  });
  return [
    ...(rows.length > 0 ? [table(['ITEM', 'PREDICTION'], rows)] : []),
    `Predicted ${countText(Number(output.items), 'item')} in ${durationText(Number(predictMs))}, ${written}.`,
    ...(failed.length > 0 ? [`Failed: ${failed.length}`, ...failedLines(failed)] : []),
  ].join('\n');
}
