/** Messages are written for every caller; here is what they come down to on the command line. */
const HINTS: Readonly<Record<string, string>> = {
  DatasetReadonly: 'Here: modelfn datasets unlock <dataset>',
  DatasetMissing: 'Here: add --dataset <dataset>',
  PredictionsMissing: 'Here: add --predict, or run modelfn predict <snapshot> --dataset <dataset> first',
  RevisionNotFound: 'Here: modelfn snapshots revisions <snapshot>',
  WeightsMissing: 'Here: modelfn train <snapshot>, or modelfn save <snapshot> --directory <folder>',
  SnapshotInUse: 'Here: modelfn executions terminate <id>',
  SnapshotHasChildren: 'Here: add --force',
  AdapterUnusable: 'Here: modelfn adapters check <folder>, then modelfn models push <model> <folder>',
  RunnerUnusable:
    'Here: modelfn packages push <folder> --project <project>, then modelfn services deploy <package>',
  FunctionFailed: 'Here: modelfn services logs <service>',
  CodebaseNotFound: 'Here: modelfn models push <model> <folder>',
  InternalError: 'Add --verbose to see the stack.',
};

/** The command that helps with an error, by its code. */
export function hintFor(code: string): string | undefined {
  return Object.hasOwn(HINTS, code) ? HINTS[code] : undefined;
}
