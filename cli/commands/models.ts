import type { Command } from 'commander';
import { onSession, withExamples } from '../command.ts';
import type { CliIo } from '../io.ts';
import { createOne, listAll, remove, showOne } from './models/entities.ts';
import { push } from './models/push.ts';

/** `modelfn models`. */
export function registerModels(program: Command, io: CliIo): void {
  const models = program
    .command('models')
    .description('Models: an architecture and the code of its adapter.');
  const verb = (name: string, description: string) => models.command(name).description(description);
  withExamples(
    verb('create', 'Create a model, of a built-in adapter or of code that is pushed later.')
      .argument('<name>', 'its name')
      .requiredOption('--project <project>', 'project it belongs to')
      .option('--adapter <name>', 'a built-in adapter, e.g. svm')
      .option('--entry-point <file>', 'file of the code that exports the adapter')
      .option('--class-name <name>', 'name of that export')
      .option('--configuration <json>', 'configuration its snapshots start from, or @file')
      .option('--python <version>', 'version of Python that runs its adapter, e.g. 3.8')
      .option('--environment <json>', 'packages and variables of an adapter in Python, or @file')
      .option('--description <text>', 'what it is')
      .action(onSession(io, createOne)),
    `modelfn models create digits --project demo --adapter svm --configuration '{"kernel": "rbf"}'`,
  );
  withExamples(
    verb('list', 'List models.')
      .option('--project <project>', 'only those of one project')
      .action(onSession(io, listAll)),
    'modelfn models list --project demo',
  );
  withExamples(
    verb('show', 'Show a model and its versions.')
      .argument('<model>', 'id or name')
      .action(onSession(io, showOne)),
    'modelfn models show digits',
  );
  withExamples(
    verb('push', 'Bundle an adapter of your own into one file and make it the code of a model.')
      .argument('<model>', 'id or name; a new name with --project')
      .argument('<path>', 'file of the adapter class, or its folder')
      .option('--class <name>', 'name of the export; found by itself when there is one')
      .option(
        '--entry-point <file>',
        'file of the adapter within the folder; found by itself when there is one',
      )
      .option('--project <project>', 'create the model in this project when it is missing')
      .option('--configuration <json>', 'configuration its snapshots start from, or @file')
      .option('--python <version>', 'version of Python that runs an adapter in Python, e.g. 3.8')
      .option('--environment <json>', 'packages and variables of an adapter in Python, or @file')
      .action(onSession(io, push)),
    'modelfn models push my-model ./my-adapter --project demo',
    'modelfn models push my-model ./my-repository --entry-point adapters/model_adapter.py',
  );
  withExamples(
    verb('delete', 'Delete a model with its snapshots.')
      .argument('<model>', 'id or name')
      .option('-y, --yes', 'do not ask')
      .action(onSession(io, remove)),
    'modelfn models delete digits --yes',
  );
}
