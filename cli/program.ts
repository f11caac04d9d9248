import { Command } from 'commander';
import { VERSION } from '../shared/version.ts';
import { EXIT_CODE_HELP } from './exit-codes.ts';
import type { CliIo } from './io.ts';

type Register = (program: Command, io: CliIo) => void;

/** One line a command. Its code is loaded when it is the one that was asked for. */
const COMMANDS: Readonly<Record<string, { summary: string; load: () => Promise<Register> }>> = {
  start: {
    summary: 'serve functions and API on this machine',
    load: async () => (await import('./commands/start.ts')).registerStart,
  },
  demo: {
    summary: 'train and evaluate a classifier of digits, and call it three ways',
    load: async () => (await import('./commands/demo.ts')).registerDemo,
  },
  projects: {
    summary: 'create, list, show and delete projects',
    load: async () => (await import('./commands/projects.ts')).registerProjects,
  },
  datasets: {
    summary: 'create datasets, upload files, put items into partitions',
    load: async () => (await import('./commands/datasets.ts')).registerDatasets,
  },
  models: {
    summary: 'create models and push the code of their adapters',
    load: async () => (await import('./commands/models.ts')).registerModels,
  },
  snapshots: {
    summary: 'create, clone and show snapshots, log and show their metrics',
    load: async () => (await import('./commands/snapshots.ts')).registerSnapshots,
  },
  train: {
    summary: 'train a snapshot on its dataset',
    load: async () => (await import('./commands/train.ts')).registerTrain,
  },
  predict: {
    summary: 'predict items with a snapshot',
    load: async () => (await import('./commands/predict.ts')).registerPredict,
  },
  evaluate: {
    summary: 'compare predictions with what people said',
    load: async () => (await import('./commands/evaluate.ts')).registerEvaluate,
  },
  convert: {
    summary: "write a dataset in the adapter's training layout, or read one back",
    load: async () => (await import('./commands/convert.ts')).registerConvert,
  },
  load: {
    summary: 'load a snapshot, every file verified, and tell what it is',
    load: async () => (await import('./commands/load.ts')).registerLoad,
  },
  save: {
    summary: "commit files as a snapshot's weights",
    load: async () => (await import('./commands/save.ts')).registerSave,
  },
  gc: {
    summary: 'free what no revision of a snapshot refers to',
    load: async () => (await import('./commands/gc.ts')).registerGc,
  },
  adapters: {
    summary: 'list built-in adapters, check one of your own',
    load: async () => (await import('./commands/adapters.ts')).registerAdapters,
  },
  packages: {
    summary: 'push functions of your own as packages, list and show them',
    load: async () => (await import('./commands/packages.ts')).registerPackages,
  },
  services: {
    summary: 'deploy packages, call their functions, stop, resume, read logs',
    load: async () => (await import('./commands/services.ts')).registerServices,
  },
  pipelines: {
    summary: 'create, list, show and run pipelines of functions',
    load: async () => (await import('./commands/pipelines.ts')).registerPipelines,
  },
  executions: {
    summary: 'list, show and terminate runs of functions',
    load: async () => (await import('./commands/executions.ts')).registerExecutions,
  },
};

const HELP_AFTER = `
Examples:
  $ modelfn projects create demo
  $ modelfn datasets create pets --project demo
  $ modelfn datasets upload pets ./photos --labels-from-folders
  $ modelfn train my-snapshot

References are ids or names; PARENT/NAME tells two of one name apart, as in demo/pets.
State is kept in .modelfn of the current folder, or where MODELFN_HOME says.

${EXIT_CODE_HELP}`;

/**
 * The program for one command line. Only the command asked for is loaded with its options; of the others the name is
 * enough for help and suggestions. Writes to `io`, and throws CommanderError instead of ending the process.
 */
export async function createProgram(io: CliIo, argv: readonly string[]): Promise<Command> {
  const program = new Command('modelfn')
    .description('Model management as functions.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // Told by whoever catches what is thrown, in the mode asked for.
      outputError: () => undefined,
      getOutHelpWidth: () => io.columns ?? 100,
      getErrHelpWidth: () => io.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', HELP_AFTER);
  const wanted = wantedCommand(argv);
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    if (name === wanted) (await load())(program, io);
    else program.command(name).description(summary);
  }
  addCommonOptions(program);
  return program;
}

/** Every command takes them, wherever they stand; one that has an option of the same name keeps its own. */
function addCommonOptions(command: Command): void {
  const isTaken = (flag: string) => command.options.some(({ long }) => long === flag);
  if (!isTaken('--json')) command.option('--json', 'print one JSON document');
  if (!isTaken('--verbose')) command.option('--verbose', 'print stack traces and the log of the functions');
  for (const child of command.commands) addCommonOptions(child);
}

/** The first word that is no option; the one after `help`. */
function wantedCommand(argv: readonly string[]): string | undefined {
  const words = argv.filter((word) => !word.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}
