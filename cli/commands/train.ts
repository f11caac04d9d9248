import type { Command } from 'commander';
import type { JsonObject } from '../../shared/json.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import type { CliIo } from '../io.ts';
import { jsonObjectOption, maxUnreadableShare, numberOption, wholeOption } from '../options.ts';
import { failedLines, part, parts } from '../output/parts.ts';
import { countText, durationText, numberText, sizeText } from '../output/units.ts';
import { find } from '../references.ts';
import { runFunction } from '../run-function.ts';
import type { Session } from '../session.ts';

/** `modelfn train`. */
export function registerTrain(program: Command, io: CliIo): void {
  withExamples(
    program
      .command('train')
      .description('Train a snapshot on the train partition of its dataset and save the weights.')
      .argument('<snapshot>', 'id or name')
      .option('--dataset <dataset>', "another dataset than the snapshot's own")
      .option('--filter <json>', 'conditions that narrow the items, or @file')
      .option('--seed <number>', 'source of all randomness', wholeOption, 0)
      .option(
        '--max-unreadable-share <share>',
        'share of the items, 0 to 1, that may be unreadable; rounded up to whole items',
        numberOption,
      )
      .action(onSession(io, train)),
    'modelfn train rbf --seed 7',
  );
}

interface TrainOptions {
  dataset?: string;
  filter?: string;
  seed: number;
  maxUnreadableShare?: number;
}

async function train(session: Session, reference: string, options: TrainOptions): Promise<Answer> {
  const filter = await jsonObjectOption(session.io, '--filter', options.filter);
  const snapshot = await find(session, 'Snapshot', reference);
  const dataset = options.dataset === undefined ? undefined : await find(session, 'Dataset', options.dataset);
  const { output, executionId } = await runFunction(session, 'train', {
    snapshot: snapshot.id,
    seed: options.seed,
    ...(dataset && { dataset: dataset.id }),
    ...(filter && { filter }),
    ...maxUnreadableShare(options),
  });
  return { json: { ...output, executionId }, text: trainText(output) };
}

function trainText(output: JsonObject): string {
  const snapshot = part(output, 'snapshot');
  const weights = part(output, 'weights');
  const leftOut = part(output, 'leftOut');
  const items = Number(part(output, 'items').train);
  const unlabelled = Number(leftOut.unlabelled);
  const unreadable = Number(leftOut.failedCount);
  return [
    `Trained ${snapshot.name}, revision ${snapshot.revision}, on ${countText(items, 'item')} in ${durationText(Number(part(output, 'timings').trainMs))}.`,
    `Saved ${countText(parts(weights, 'files').length, 'file')}, ${sizeText(Number(weights.sizeBytes))}.`,
    ...(unlabelled + unreadable > 0
      ? [`Left out: ${unlabelled} without a label, ${unreadable} that could not be read.`]
      : []),
    ...failedLines(parts(leftOut, 'failed'), 10, unreadable),
    ...Object.entries(part(output, 'metrics')).map(
      ([name, value]) => `${name}: ${numberText(Number(value))}`,
    ),
  ].join('\n');
}
