import type { Command } from 'commander';
import { onDesk, withExamples } from '../command.ts';
import type { CliIo } from '../io.ts';
import { wholeOption } from '../options.ts';
import { check } from './adapters/check.ts';
import { list } from './adapters/list.ts';

/** `modelfn adapters`. */
export function registerAdapters(program: Command, io: CliIo): void {
  const adapters = program
    .command('adapters')
    .description('Adapters: the one class a model is, built in or of your own.');
  withExamples(
    adapters.command('list').description('List the built-in adapters.').action(onDesk(io, list)),
    'modelfn adapters list',
  );
  withExamples(
    adapters
      .command('check')
      .description(
        'Train, save, load, predict and convert small data with an adapter, on a platform of its own in a temporary folder, and tell what it does not keep to.',
      )
      .argument('<adapter>', 'file of the adapter class, its folder, or modelfn/<name> for a built-in one')
      .option('--class <name>', 'name of the export; found by itself when there is one')
      .option(
        '--entry-point <file>',
        'file of the adapter within the folder; found by itself when there is one',
      )
      .option('--configuration <json>', 'configuration to check it with, or @file')
      .option('--data <folder>', 'items of your own: a folder with a folder of files for each label')
      .option('--weights <folder>', 'files that its save wrote, for an adapter that does not train')
      .option('--parent <folder>', 'files of a parent snapshot, for an adapter that trains from one')
      .option('--seed <number>', 'of the made items and of the trainings', wholeOption)
      .action(onDesk(io, check)),
    'modelfn adapters check ./my-adapter',
    'modelfn adapters check ./my-adapter --data ./photos',
    'modelfn adapters check modelfn/svm',
  );
}
