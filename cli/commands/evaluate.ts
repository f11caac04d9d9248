import type { Command } from 'commander';
import type { JsonObject } from '../../shared/json.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import type { CliIo } from '../io.ts';
import { jsonObjectOption, maxUnreadableShare, numberOption } from '../options.ts';
import { failedLines, part, parts } from '../output/parts.ts';
import { fields, table } from '../output/table.ts';
import { countText, numberText } from '../output/units.ts';
import { find } from '../references.ts';
import { runFunction } from '../run-function.ts';
import type { Session } from '../session.ts';
import { readPartition } from './datasets/partition.ts';

/** `modelfn evaluate`. */
export function registerEvaluate(program: Command, io: CliIo): void {
  withExamples(
    program
      .command('evaluate')
      .description("Compare a snapshot's predictions with what people said, and keep the numbers as metrics.")
      .argument('<snapshot>', 'id or name')
      .option('--dataset <dataset>', "another dataset than the snapshot's own")
      .option('--partition <partition>', 'train, validation, test or all', 'test')
      .option('--filter <json>', 'conditions that narrow the items, or @file')
      .option('--predict', 'predict the items now, instead of reading the predictions on them')
      .option(
        '--iou <overlap>',
        'boxes and masks: overlap with its truth that a detection needs, 0..1',
        numberOption,
      )
      .option(
        '--confidence <least>',
        'boxes and masks: detections below it are not counted one by one, 0..1',
        numberOption,
      )
      .option(
        '--max-unreadable-share <share>',
        'with --predict: share of the items, 0 to 1, that may be unreadable; rounded up to whole items',
        numberOption,
      )
      .action(onSession(io, evaluate)),
    'modelfn evaluate rbf --partition test --predict',
  );
}

interface EvaluateOptions {
  dataset?: string;
  partition: string;
  filter?: string;
  predict?: boolean;
  iou?: number;
  confidence?: number;
  maxUnreadableShare?: number;
}

async function evaluate(session: Session, reference: string, options: EvaluateOptions): Promise<Answer> {
  const filter = await jsonObjectOption(session.io, '--filter', options.filter);
  const partition = readPartition('--partition', options.partition, ['all'])!;
  const snapshot = await find(session, 'Snapshot', reference);
  const dataset = options.dataset === undefined ? undefined : await find(session, 'Dataset', options.dataset);
  const { output, executionId } = await runFunction(session, 'evaluate', {
    snapshot: snapshot.id,
    partition,
    predict: options.predict ?? false,
    ...(dataset && { dataset: dataset.id }),
    ...(filter && { filter }),
    ...(options.iou !== undefined && { iou: options.iou }),
    ...(options.confidence !== undefined && { confidence: options.confidence }),
    ...maxUnreadableShare(options),
  });
  return { json: { ...output, executionId }, text: evaluationText(output) };
}

function evaluationText(output: JsonObject): string {
  const snapshot = part(output, 'snapshot');
  const failed = parts(output, 'failed');
  const metrics = Object.entries(part(output, 'metrics'));
  const isBare = Number(output.withoutPredictions) > 0;
  return [
    `${snapshot.name}, revision ${snapshot.revision}, on ${countText(Number(output.evaluated), 'item')} of ${output.partition}:`,
    '',
    fields(metrics.map(([name, value]) => [name, numberText(Number(value))] as const)),
    '',
    perLabelTable(part(output, 'perLabel')),
    ...worstLines(parts(part(output, 'perItem'), 'worst')),
    ...(isBare ? ['', `Without a prediction: ${output.withoutPredictions}; --predict predicts them.`] : []),
    ...(failed.length > 0 ? ['', `Failed: ${failed.length}`, ...failedLines(failed)] : []),
  ].join('\n');
}

/** The items with the most errors, a few of them. */
function worstLines(worst: readonly JsonObject[], shown = 5): string[] {
  if (worst.length === 0) return [];
  const rows = worst.slice(0, shown).map(({ filename, errors }) => [String(filename), Number(errors)]);
  return ['', table(['ITEM', 'ERRORS'], rows), ...(worst.length > shown ? ['More with --json.'] : [])];
}

/** One line a label; the columns are the numbers the adapter's evaluation has. */
function perLabelTable(perLabel: JsonObject): string {
  const labels = Object.keys(perLabel);
  const names = [...new Set(labels.flatMap((label) => Object.keys(part(perLabel, label))))];
  const rows = labels.map((label) => [
    label,
    ...names.map((name) => {
      const value = part(perLabel, label)[name];
      return value === undefined ? '' : numberText(Number(value));
    }),
  ]);
  return table(['LABEL', ...names.map((name) => name.toUpperCase())], rows);
}
