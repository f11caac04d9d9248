import { type Command, Option } from 'commander';
import { onSession, withExamples } from '../command.ts';
import type { CliIo } from '../io.ts';
import { listOption, metricOption, numberOption, wholeOption } from '../options.ts';
import { clone, createOne, listAll, remove, showOne } from './snapshots/entities.ts';
import { EXPORT_FORMATS, exportSnapshot } from './snapshots/export.ts';
import { logOne, showMetrics } from './snapshots/metrics.ts';
import { listSaved, restore } from './snapshots/revisions.ts';

/** `modelfn snapshots`. */
export function registerSnapshots(program: Command, io: CliIo): void {
  const snapshots = program
    .command('snapshots')
    .description('Snapshots: a model, a dataset, a configuration, and the weights that came of them.');
  const verb = (name: string, description: string) => snapshots.command(name).description(description);
  const onSnapshot = (name: string, description: string) =>
    verb(name, description).argument('<snapshot>', 'id or name');
  withExamples(
    verb('create', 'Create a snapshot.')
      .argument('<name>', 'its name')
      .requiredOption('--model <model>', 'model it is of')
      .option('--dataset <dataset>', 'dataset it is trained on; none: for inference only')
      .option('--configuration <json>', "configuration over the model's, or @file")
      .option('--labels <labels>', "labels between commas; the dataset's when missing", listOption)
      .action(onSession(io, createOne)),
    `modelfn snapshots create rbf --model digits --dataset digits --configuration '{"C": 10}'`,
  );
  withExamples(
    verb('list', 'List snapshots.')
      .option('--model <model>', 'only those of one model')
      .action(onSession(io, listAll)),
    'modelfn snapshots list --model digits',
  );
  withExamples(
    onSnapshot('show', 'Show a snapshot.').action(onSession(io, showOne)),
    'modelfn snapshots show rbf',
  );
  withExamples(
    onSnapshot('clone', 'Make a child of a snapshot, with another configuration or dataset.')
      .argument('<new-name>', 'name of the child')
      .option('--configuration <json>', "goes key by key over the snapshot's, or @file")
      .option(
        '--dataset <dataset>',
        "dataset it is trained on, with that dataset's labels; the snapshot's when missing",
      )
      .option('--labels <labels>', 'labels between commas', listOption)
      .option('--with-weights', 'copy the weights too')
      .action(onSession(io, clone)),
    `modelfn snapshots clone rbf rbf-c1 --configuration '{"C": 1}'`,
    'modelfn snapshots clone pretrained fine-tuned --dataset pets',
  );
  withExamples(
    onSnapshot('delete', 'Delete a snapshot with its metrics and its own bucket.')
      .option('-y, --yes', 'do not ask')
      .option('--force', 'also when others were made from it, or a run writes it')
      .action(onSession(io, remove)),
    'modelfn snapshots delete rbf-c1 --yes',
  );
  withExamples(
    onSnapshot('revisions', 'List the saved revisions of a snapshot, the newest first.').action(
      onSession(io, listSaved),
    ),
    'modelfn snapshots revisions rbf',
  );
  withExamples(
    onSnapshot('restore', 'Make an earlier revision the next one, or write its files into a folder.')
      .option('--revision <number>', 'which; with --to the current one when missing', wholeOption)
      .option('--to <folder>', 'write the files there, every one verified; empty or not there yet')
      .action(onSession(io, restore)),
    'modelfn snapshots restore rbf --revision 1',
    'modelfn snapshots restore rbf --to ./weights',
  );
  withExamples(
    onSnapshot('export', "Write a snapshot's weights as one model file that other programs run.")
      .addOption(
        new Option('--format <format>', 'of the file').choices([...EXPORT_FORMATS]).makeOptionMandatory(),
      )
      .requiredOption('--to <file>', 'the file; its folder is made when it is missing')
      .action(onSession(io, exportSnapshot)),
    'modelfn snapshots export rbf --format onnx --to rbf.onnx',
  );
  registerMetrics(snapshots, io);
}

function registerMetrics(snapshots: Command, io: CliIo): void {
  const metrics = snapshots.command('metrics').description('Curves of a snapshot.');
  withExamples(
    metrics
      .command('log')
      .description('Put one point on a curve.')
      .argument('<snapshot>', 'id or name')
      .requiredOption('--figure <name>', 'the plot, e.g. loss')
      .requiredOption('--legend <name>', 'the line in it, e.g. train')
      .requiredOption('--x <number>', 'e.g. the epoch', numberOption)
      .requiredOption('--y <number>', 'the value; NaN and Infinity are values too', metricOption)
      .action(onSession(io, logOne)),
    'modelfn snapshots metrics log rbf --figure loss --legend train --x 1 --y 0.31',
  );
  withExamples(
    metrics
      .command('show')
      .description('Show the curves, one a line.')
      .argument('<snapshot>', 'id or name')
      .option('--figure <name>', 'only those of one plot')
      .action(onSession(io, showMetrics)),
    'modelfn snapshots metrics show rbf --figure loss',
  );
}
