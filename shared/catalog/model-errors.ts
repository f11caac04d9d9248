import { Conflict, ModelfnError } from '../errors.ts';

/** A model name that is taken in the project. */
export class ModelNameTaken extends Conflict {
  override readonly name = 'ModelNameTaken';
  constructor(name: string, projectId: string, cause?: unknown) {
    super(
      `There already is a model named ${JSON.stringify(name)} in project ${projectId}. Choose another name, or update the model that exists.`,
      { details: { name, projectId }, cause },
    );
  }
}

/** A snapshot name that is taken in the model. The first words are the platform's own (docs/WIRE.md, Snapshots). */
export class SnapshotNameTaken extends Conflict {
  override readonly name = 'SnapshotNameTaken';
  constructor(name: string, modelId: string, cause?: unknown) {
    super(
      `Failed creating  E11000 duplicate key error collection: model ${modelId} already has a snapshot named ${JSON.stringify(name)}. Choose another name.`,
      { details: { name, modelId }, cause },
    );
  }
}

/** A snapshot that others were made from: deleting it would leave them without their parent. */
export class SnapshotHasChildren extends Conflict {
  override readonly name = 'SnapshotHasChildren';
  override readonly code = 'SnapshotHasChildren';
  constructor(snapshot: { id: string; name: string }, children: readonly string[]) {
    super(
      `Snapshot ${snapshot.name} (${snapshot.id}) is the parent of ${children.join(', ')}. Delete those first, or force it: they stay, and keep naming a parent that is gone.`,
      { details: { snapshot: snapshot.id, children: [...children] } },
    );
  }
}

/** Parts of one snapshot that belong to different projects. */
export class ProjectMismatch extends ModelfnError {
  override readonly name = 'ProjectMismatch';
  readonly code = 'ProjectMismatch';
  readonly statusCode = 400;
  constructor(field: string, id: string, projectId: string) {
    super(
      `${field}: ${id} does not belong to project ${projectId}, where the model is. A snapshot's model, dataset and parent are of one project.`,
      { details: { field, id, projectId } },
    );
  }
}

/** A trigger or an execution of a function that does not exist. */
export class UnknownFunction extends ModelfnError {
  override readonly name = 'UnknownFunction';
  readonly code = 'UnknownFunction';
  readonly statusCode = 400;
  constructor(
    { field, functionName }: { field: string; functionName: string },
    known: readonly string[],
    near: string | undefined,
  ) {
    super(
      `${field}: there is no function ${JSON.stringify(functionName.slice(0, 100))}; the nearest is ${near}. There are: ${known.join(', ')}.`,
      { details: { functionName: functionName.slice(0, 100), known: [...known] } },
    );
  }
}

/** A report on a run that has ended with another result. */
export class ExecutionFinished extends Conflict {
  override readonly name = 'ExecutionFinished';
  override readonly code = 'ExecutionFinished';
  constructor(executionId: string, status: string) {
    super(`Execution ${executionId} has ended with ${status}; its record does not change any more.`, {
      details: { executionId, status },
    });
  }
}

/** A progress report that would end a run, or give it an output: only the holder of the run's lease may do that. */
export class ResultRefused extends ModelfnError {
  override readonly name = 'ResultRefused';
  readonly code = 'ResultRefused';
  readonly statusCode = 403;
  constructor(executionId: string) {
    super(
      `Execution ${executionId} is ended by the process that runs it, not by a report. Report status "inProgress" without ` +
        'an output, or stop the run with POST /executions/{id}/terminate.',
      { details: { executionId } },
    );
  }
}

/** A run of which no project is known: what it was called with names nothing that is there. */
export class ExecutionWithoutProject extends ModelfnError {
  override readonly name = 'ExecutionWithoutProject';
  readonly code = 'ExecutionWithoutProject';
  readonly statusCode = 409;
  constructor(executionId: string) {
    super(
      `Execution ${executionId} belongs to no project, for its inputs named nothing that was found. Call the function again with other inputs.`,
      { details: { executionId } },
    );
  }
}
