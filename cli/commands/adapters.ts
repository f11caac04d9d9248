import type { Command } from 'commander';
import { onDesk, withExamples } from '../command.ts';
import type { CliIo } from '../io.ts';
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
      .description('Bundle an adapter of your own, run it on small data, and tell what it does not keep to.')
      .argument('<path>', 'file of the adapter class, or its folder')
      .option('--class <name>', 'name of the export; found by itself when there is one')
      .option('--configuration <json>', 'configuration to check it with, or @file')
      .action(onDesk(io, check)),
    'modelfn adapters check ./my-adapter',
  );
}
