import type { Command } from 'commander';
import { FORMAT_NAMES } from '../../shared/formats/registry.ts';
import { onSession, withExamples } from '../command.ts';
import type { CliIo } from '../io.ts';
import { numberOption, wholeOption } from '../options.ts';
import { createOne, listAll, listItems, lock, remove, showOne, unlock } from './datasets/entities.ts';
import { importFolder } from './datasets/import.ts';
import { partition } from './datasets/partition.ts';
import { rescan } from './datasets/rescan.ts';
import { writeTensor } from './datasets/tensor.ts';
import { upload } from './datasets/upload.ts';

/** `modelfn datasets`. */
export function registerDatasets(program: Command, io: CliIo): void {
  const datasets = program.command('datasets').description('Datasets: items with their annotations.');
  const verb = (name: string, description: string) => datasets.command(name).description(description);
  const onDataset = (name: string, description: string) =>
    verb(name, description).argument('<dataset>', 'id or name');
  withExamples(
    verb('create', 'Create a dataset.')
      .argument('<name>', 'its name')
      .requiredOption('--project <project>', 'project it belongs to')
      .action(onSession(io, createOne)),
    'modelfn datasets create pets --project demo',
  );
  withExamples(
    verb('list', 'List datasets with their counts.')
      .option('--project <project>', 'only those of one project')
      .action(onSession(io, listAll)),
    'modelfn datasets list --project demo',
  );
  withExamples(
    onDataset('show', 'Show a dataset: counts, labels, partitions.').action(onSession(io, showOne)),
    'modelfn datasets show pets',
  );
  withExamples(
    onDataset('upload', 'Upload a folder of files, or the rows of a CSV file as JSON items.')
      .argument('<folder>', 'folder, or file that ends in .csv or .csv.gz')
      .option('--labels-from-folders', 'the topmost folder of each file becomes its class label')
      .option('--label-column <name>', 'CSV: the column that holds the class label')
      .option('--partition <partition>', 'put the items into train, validation or test')
      .option('--to <folder>', 'folder of the dataset that gets the items', '/')
      .option('--overwrite', 'give items that are there already the new bytes and label')
      .action(onSession(io, upload)),
    'modelfn datasets upload pets ./photos --labels-from-folders --partition train',
    'modelfn datasets upload iris iris.csv --label-column species',
  );
  withExamples(
    onDataset('import', 'Read annotations with their pictures: YOLO, COCO, Pascal VOC, CSV or Dataloop JSON.')
      .argument('<folder>', 'folder with the files, in any layout of docs/FORMATS.md')
      .option('--format <format>', `auto, ${FORMAT_NAMES.join(', ')}`, 'auto')
      .option(
        '--partition <partition>',
        'train, validation or test for all items; all for those that the files name; none to change none',
        'all',
      )
      .option('--strict', 'refuse what would be lost, before anything is written')
      .option('--allow-unlabelled', 'accept files without a single annotation')
      .option('--areas <areas>', 'of annotations with a mask and a box: mask, box or both', 'mask')
      .option('--spreadsheet-safe', 'read tables that were written with --spreadsheet-safe')
      .option('--no-media', 'leave out the pictures: annotations go to items that are there')
      .option('--to <folder>', 'folder of the dataset that gets the items', '/')
      .option('--project <project>', 'create the dataset in this project if it is not there')
      .action(onSession(io, importFolder)),
    'modelfn datasets import pets ./pets-yolo',
    'modelfn datasets import pets ./coco --format coco --partition validation --strict',
  );
  withExamples(
    onDataset('items', 'List items, in order of path.')
      .option('--filter <json>', 'conditions, or @file')
      .option('--limit <count>', 'items shown', wholeOption, 50)
      .action(onSession(io, listItems)),
    `modelfn datasets items pets --filter '{"annotated": true}'`,
  );
  withExamples(
    verb('tensor', 'Write the tensor of a prediction as a .npy file.')
      .argument('<annotation>', 'id of the annotation, as predict tells it')
      .option('--to <file>', 'the file; <annotation>.npy here when missing')
      .action(onSession(io, writeTensor)),
    'modelfn datasets tensor 6b059d0fde7b4571c8c76ded --to features.npy',
  );
  withExamples(
    onDataset('partition', 'Split all items by shares, or put those of a filter into one partition.')
      .option('--train <share>', 'share of train', numberOption)
      .option('--validation <share>', 'share of validation', numberOption)
      .option('--test <share>', 'share of test', numberOption)
      .option('--seed <number>', 'another split of the same shares', wholeOption)
      .option('--set <partition>', 'train, validation, test, or none to take items out')
      .option('--filter <json>', 'with --set: which items; all when missing')
      .action(onSession(io, partition)),
    'modelfn datasets partition pets --train 0.8 --validation 0.1 --test 0.1 --seed 7',
    `modelfn datasets partition pets --set test --filter '{"dir": "/holdout"}'`,
  );
  withExamples(
    onDataset('rescan', 'Read sizes and types of all files again, for items of an earlier release.').action(
      onSession(io, rescan),
    ),
    'modelfn datasets rescan pets',
  );
  withExamples(
    onDataset('lock', 'Lock: nothing in the dataset can change.').action(onSession(io, lock)),
    'modelfn datasets lock pets',
  );
  withExamples(
    onDataset('unlock', 'Let the dataset change again.').action(onSession(io, unlock)),
    'modelfn datasets unlock pets',
  );
  withExamples(
    onDataset('delete', 'Delete a dataset with its items and annotations.')
      .option('-y, --yes', 'do not ask')
      .action(onSession(io, remove)),
    'modelfn datasets delete pets --yes',
  );
}
