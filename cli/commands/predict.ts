import type { Command } from 'commander';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { isJsonObject, type Json, type JsonObject } from '../../shared/json.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import { WrongUsage } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { jsonObjectOption, numberOption, wholeOption } from '../options.ts';
import { failedLines, part, parts } from '../output/parts.ts';
import { table } from '../output/table.ts';
import { countText, durationText, numberText } from '../output/units.ts';
import { find } from '../references.ts';
import { runFunction } from '../run-function.ts';
import type { Session } from '../session.ts';
import { uploadFiles } from '../upload-files.ts';
import { readPartition } from './datasets/partition.ts';

/** `modelfn predict`. */
export function registerPredict(program: Command, io: CliIo): void {
  withExamples(
    program
      .command('predict')
      .description('Predict items with a snapshot; the predictions become annotations of the items.')
      .argument('<snapshot>', 'id or name')
      .argument('[files...]', "files of this machine; uploaded to --dataset, or to the snapshot's own")
      .option('--items <items...>', 'ids of items; with --dataset also their paths')
      .option('--dataset <dataset>', 'all items of a dataset')
      .option('--partition <partition>', 'with --dataset: only train, validation or test')
      .option('--filter <json>', 'with --dataset: conditions that narrow the items, or @file')
      .option('--min-confidence <number>', 'drop predictions below, 0 to 1', numberOption)
      .option('--revision <number>', 'an earlier revision; the current one when missing', wholeOption)
      .option('--no-write', 'answer the predictions and write nothing')
      .action(onSession(io, predict)),
    'modelfn predict rbf --dataset digits --partition test',
    'modelfn predict rbf --dataset digits --items /test/0001.png --no-write --json',
    'modelfn predict rbf ./seven.png',
  );
}

interface PredictOptions {
  items?: string[];
  dataset?: string;
  partition?: string;
  filter?: string;
  minConfidence?: number;
  revision?: number;
  write: boolean;
}

async function predict(
  session: Session,
  reference: string,
  files: string[],
  options: PredictOptions,
): Promise<Answer> {
  checkChoice(files, options);
  const filter = await filterOf(session, options);
  const snapshot = await find(session, 'Snapshot', reference);
  const dataset = options.dataset === undefined ? undefined : await find(session, 'Dataset', options.dataset);
  const home = dataset?.id ?? (files.length > 0 ? ownDataset(snapshot) : undefined);
  const items = files.length > 0 ? await uploadFiles(session, home!, files) : options.items;
  const { output, executionId } = await runFunction(session, 'predict', {
    snapshot: snapshot.id,
    items: itemsOf(items, home, filter),
    write: options.write,
    ...(options.minConfidence !== undefined && { minConfidence: options.minConfidence }),
    ...(options.revision !== undefined && { revision: options.revision }),
  });
  const failed = parts(output, 'failed');
  return {
    json: { ...output, executionId },
    text: predictText(output, failed),
    ...(failed.length > 0 && { exitCode: EXIT_CODES.refused }),
  };
}

/** @throws WrongUsage */
function checkChoice(files: readonly string[], { items, dataset, partition, filter }: PredictOptions): void {
  if (files.length === 0 && items === undefined && dataset === undefined)
    throw new WrongUsage('Say what to predict: files, --items with ids, or --dataset with a dataset.');
  if (files.length > 0 && items !== undefined)
    throw new WrongUsage('Give either files of this machine or --items, not both.');
  const isSelection = dataset !== undefined && items === undefined && files.length === 0;
  if ((partition !== undefined || filter !== undefined) && !isSelection)
    throw new WrongUsage('--partition and --filter narrow a --dataset, and go without files and --items.');
}

/** The condition of partition and filter. */
async function filterOf(session: Session, options: PredictOptions): Promise<JsonObject> {
  const partition = readPartition('--partition', options.partition);
  const filter = await jsonObjectOption(session.io, '--filter', options.filter);
  return {
    ...(partition !== undefined && { 'metadata.system.snapshotPartition': partition }),
    ...(filter && { $and: [filter] }),
  };
}

function ownDataset({ name, datasetId }: Pick<Snapshot, 'name' | 'datasetId'>): string {
  if (datasetId !== null) return datasetId;
  throw new WrongUsage(`Snapshot ${name} has no dataset to upload the files to: give one with --dataset.`);
}

function itemsOf(
  items: readonly string[] | undefined,
  datasetId: string | undefined,
  filter: JsonObject,
): Json {
  if (items === undefined) return { dataset: datasetId!, filter };
  return items.map((item): Json => {
    if (!item.startsWith('/')) return item;
    if (datasetId === undefined)
      throw new WrongUsage(
        `${JSON.stringify(item)} is a path: say of which --dataset, or give the item's id.`,
      );
    return { filename: item, dataset: datasetId };
  });
}

/** A tensor that is a file is told by its size and the annotation that it belongs to. */
function predictionText({ label, confidence, coordinates, annotation_id: id }: JsonObject): string {
  const text = `${label} ${numberText(Number(confidence))}`;
  if (!isJsonObject(coordinates) || !Array.isArray(coordinates.dims)) return text;
  const { dims, dtype } = coordinates;
  const told = [dims.join(' x '), ...(dtype === undefined ? [] : [dtype])].join(' ');
  return `${text} (${told}${id === undefined ? '' : `, annotation ${id}`})`;
}

function predictText(output: JsonObject, failed: readonly JsonObject[]): string {
  const { predictMs } = part(output, 'timings');
  const written =
    output.written === true
      ? `${countText(Number(output.annotations), 'annotation')} written`
      : 'nothing written';
  const rows = parts(output, 'predictions').map((each) => {
    const found = parts(each, 'annotations');
    const shown = found.slice(0, 3).map(predictionText);
    return [String(each.filename), `${shown.join(', ')}${found.length > 3 ? ', ...' : ''}`];
  });
  return [
    ...(rows.length > 0 ? [table(['ITEM', 'PREDICTION'], rows)] : []),
    `Predicted ${countText(Number(output.items), 'item')} in ${durationText(Number(predictMs))}, ${written}.`,
    ...(failed.length > 0 ? [`Failed: ${failed.length}`, ...failedLines(failed)] : []),
  ].join('\n');
}
