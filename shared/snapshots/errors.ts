import { compact, ModelfnError } from '../errors.ts';

/** A folder without a file was to be saved as a snapshot's weights. */
export class NothingToSave extends ModelfnError {
  override readonly name = 'NothingToSave';
  readonly code = 'NothingToSave';
  readonly statusCode = 422;
  constructor(snapshotId: string) {
    super(
      `There is no file to save as the weights of snapshot "${snapshotId}". ` +
        "The adapter's save() must write into the folder it gets; an upload needs at least one file.",
      { details: { snapshotId } },
    );
  }
}

/** A file changed while it was being saved. Nothing was committed. */
export class SourceChanged extends ModelfnError {
  override readonly name = 'SourceChanged';
  readonly code = 'SourceChanged';
  readonly statusCode = 409;
  override readonly retryable = true;
  constructor(file: string) {
    super(
      `The file "${file}" changed while it was being saved. Wait until nothing writes to it, then save again.`,
      {
        details: { file },
      },
    );
  }
}

/** The snapshot has no weights to load, or some of their files are gone from the bucket. */
export class WeightsMissing extends ModelfnError {
  override readonly name = 'WeightsMissing';
  readonly code = 'WeightsMissing';
  readonly statusCode = 404;
  constructor(fields: { snapshotId: string; file?: string; cause?: unknown }) {
    const { snapshotId, file, cause } = fields;
    super(
      file === undefined
        ? `Snapshot "${snapshotId}" has no weights yet. Train it, or save or upload its files first.`
        : `The file "${file}" of snapshot "${snapshotId}" is gone from its bucket. ` +
            'Save or upload it again, restore an earlier revision, or train the snapshot anew.',
      { details: compact({ snapshotId, file }), cause },
    );
  }
}

/** The load of a snapshot was given up: storage, code or adapter did not answer for very long. */
export class LoadTimedOut extends ModelfnError {
  override readonly name = 'LoadTimedOut';
  readonly code = 'LoadTimedOut';
  readonly statusCode = 504;
  override readonly retryable = true;
  constructor({ id, name }: { id: string; name: string }, limitMs: number) {
    super(
      `Snapshot ${name} (${id}) was not loaded within ${limitMs / 1000} s. ` +
        "Check that its bucket answers and that the adapter's load() ends; the next call tries again.",
      { details: { snapshot: id, limitMs } },
    );
  }
}

/** All files of a snapshot were deleted from its bucket by another client. Its saved revisions are still there. */
export class WeightsRemoved extends ModelfnError {
  override readonly name = 'WeightsRemoved';
  readonly code = 'WeightsRemoved';
  readonly statusCode = 404;
  constructor(snapshot: { id: string; name: string }, revision: number) {
    super(
      `The files of snapshot ${snapshot.name} (${snapshot.id}) were deleted from its bucket after revision ${revision}. ` +
        'Upload files, or restore a revision: modelfn snapshots restore.',
      { details: { snapshot: snapshot.id, revision } },
    );
  }
}

/** What a damaged file of weights has to tell. Digests are sha256 in hex. */
export interface WeightsFault {
  snapshotId?: string;
  file?: string;
  expected?: string;
  found?: string;
  cause?: unknown;
}

/** Weights that are not what was saved: cut, changed, or no such file at all. Nothing of them was handed out. */
export class WeightsCorrupt extends ModelfnError {
  override readonly name = 'WeightsCorrupt';
  readonly code = 'WeightsCorrupt';
  readonly statusCode = 422;
  constructor(problem: string, fault: WeightsFault = {}) {
    const { snapshotId, file, expected, found, cause } = fault;
    const owner = snapshotId === undefined ? '' : ` of snapshot "${snapshotId}"`;
    const digests = expected === undefined ? '' : ` (expected sha256 ${expected}, found ${found ?? 'none'})`;
    super(
      `The weights${owner} cannot be read: ${file === undefined ? '' : `"${file}": `}${problem}${digests}. ` +
        'Save or upload them again, restore an earlier revision, or train the snapshot anew.',
      { details: compact({ problem, snapshotId, file, expected, found }), cause },
    );
  }
}

/** Bare files of a bucket kept changing while they were read. */
export class WeightsChanging extends ModelfnError {
  override readonly name = 'WeightsChanging';
  readonly code = 'WeightsChanging';
  readonly statusCode = 409;
  override readonly retryable = true;
  constructor(snapshotId: string, file: string) {
    super(
      `The file "${file}" in the bucket of snapshot "${snapshotId}" changed while it was read. ` +
        'Wait until its upload is done, then load again.',
      { details: { snapshotId, file } },
    );
  }
}

/** A revision that a snapshot never had. */
export class RevisionNotFound extends ModelfnError {
  override readonly name = 'RevisionNotFound';
  readonly code = 'RevisionNotFound';
  readonly statusCode = 404;
  constructor(snapshot: { id: string; name: string }, revision: number, known: readonly number[]) {
    super(
      `Snapshot ${snapshot.name} (${snapshot.id}) has no saved revision ${revision}. It has: ${known.join(', ') || 'none yet'}.`,
      { details: { snapshot: snapshot.id, revision, known: [...known] } },
    );
  }
}

/** A save that was silent for so long that its snapshot was taken from it. Nothing of it was made the snapshot's. */
export class SaveRevoked extends ModelfnError {
  override readonly name = 'SaveRevoked';
  readonly code = 'SaveRevoked';
  readonly statusCode = 409;
  override readonly retryable = true;
  constructor(snapshot: { id: string; name: string }) {
    super(
      `The save of snapshot ${snapshot.name} (${snapshot.id}) gave no sign of life and was given up; another run, a restore or gc went on without it. Save again: what was sent is still there.`,
      { details: { snapshot: snapshot.id } },
    );
  }
}
