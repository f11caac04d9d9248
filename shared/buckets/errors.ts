import { briefly, storageAdvice } from '../content/errors.ts';
import { compact, ModelfnError } from '../errors.ts';

/** No object by that key, against the caller's claim. */
export class ObjectNotFound extends ModelfnError {
  override readonly name = 'ObjectNotFound';
  readonly code = 'ObjectNotFound';
  readonly statusCode = 404;
  constructor(bucketType: string, key: string, cause?: unknown) {
    super(
      `There is no object "${key}" in the ${bucketType} bucket. List its objects, or write this one first.`,
      {
        details: { bucketType, key },
        cause,
      },
    );
  }
}

/** A write with `ifAbsent` whose key is taken. What is there was left as it is. */
export class PreconditionFailed extends ModelfnError {
  override readonly name = 'PreconditionFailed';
  readonly code = 'PreconditionFailed';
  readonly statusCode = 412;
  constructor(bucketType: string, key: string) {
    super(
      `The ${bucketType} bucket already has an object "${key}", and it was to be written only if absent.`,
      {
        details: { bucketType, key },
      },
    );
  }
}

/** Somebody else changed the same objects while they were written. Theirs stand; ours are kept aside. */
export class BucketConflict extends ModelfnError {
  override readonly name = 'BucketConflict';
  readonly code = 'BucketConflict';
  readonly statusCode = 409;
  /** `keptAt` says where our bytes are, and how they are reached. */
  constructor(
    bucketType: string,
    keys: readonly string[],
    what: string,
    kept: { keptAt: string; commit: string },
  ) {
    const named = keys.slice(0, 5).map((key) => JSON.stringify(key));
    super(
      `${what} while ${named.join(', ')}${keys.length > 5 ? ` and ${keys.length - 5} more` : ''} of the ${bucketType} bucket ${keys.length === 1 ? 'was' : 'were'} written. ` +
        `Nothing there was replaced. ${kept.keptAt} To replace what is there now, write again.`,
      { details: { bucketType, keys: keys.slice(0, 100), commit: kept.commit } },
    );
  }
}

/** A key that is no path below the bucket's root. */
export class InvalidKey extends ModelfnError {
  override readonly name = 'InvalidKey';
  readonly code = 'InvalidKey';
  readonly statusCode = 400;
  constructor(key: string, problem: string) {
    const shown = JSON.stringify(key.length > 100 ? `${key.slice(0, 100)}...` : key);
    super(`The key ${shown} cannot be used: ${problem}. A key is a path such as "weights/model.bin".`, {
      details: { problem },
    });
  }
}

/** The bucket did not do what it was asked to, for a reason that may pass. */
export class BucketUnavailable extends ModelfnError {
  override readonly name = 'BucketUnavailable';
  readonly code = 'BucketUnavailable';
  readonly statusCode = 503;
  override readonly retryable = true;
  constructor(fields: {
    bucketType: string;
    operation: string;
    key: string | undefined;
    cause: unknown;
    /** What to do; made from the cause when missing. */
    advice?: string;
  }) {
    const { bucketType, operation, key, cause, advice = storageAdvice(cause) } = fields;
    const object = key === undefined ? '' : ` of "${key}"`;
    super(`The ${operation}${object} in the ${bucketType} bucket failed: ${briefly(cause)}. ${advice}`, {
      details: compact({ bucketType, operation, key }),
      cause,
    });
  }
}

/** The credentials of this process may not do that, or there are none that the service takes. */
export class BucketAccessDenied extends ModelfnError {
  override readonly name = 'BucketAccessDenied';
  readonly code = 'BucketAccessDenied';
  readonly statusCode = 403;
  constructor(fields: {
    bucketType: string;
    operation: string;
    key: string | undefined;
    problem: string;
    advice: string;
    cause?: unknown;
  }) {
    const { bucketType, operation, key, problem, advice, cause } = fields;
    const object = key === undefined ? '' : ` of "${key}"`;
    super(`The ${operation}${object} in the ${bucketType} bucket was denied: ${problem}. ${advice}`, {
      details: compact({ bucketType, operation, key, problem }),
      cause,
    });
  }
}

/** The service understood the call and will not do it; the same call will not succeed later. */
export class BucketCallRefused extends ModelfnError {
  override readonly name = 'BucketCallRefused';
  readonly code = 'BucketCallRefused';
  readonly statusCode = 502;
  constructor(fields: { bucketType: string; operation: string; key: string | undefined; cause: unknown }) {
    const { bucketType, operation, key, cause } = fields;
    const object = key === undefined ? '' : ` of "${key}"`;
    super(
      `The ${operation}${object} was refused by the service of the ${bucketType} bucket: ${briefly(cause)}. ` +
        'Look at the settings of the bucket there (retention, encryption, quota); its answer says what it minds.',
      { details: compact({ bucketType, operation, key }), cause },
    );
  }
}

/** Bytes that were damaged on the way to the bucket or from it. Nothing damaged was kept. */
export class ObjectDamaged extends ModelfnError {
  override readonly name = 'ObjectDamaged';
  readonly code = 'ObjectDamaged';
  readonly statusCode = 502;
  override readonly retryable = true;
  constructor(fields: { bucketType: string; operation: string; key: string; cause: unknown }) {
    const { bucketType, operation, key, cause } = fields;
    super(
      `The ${operation} of "${key}" in the ${bucketType} bucket went wrong: ${briefly(cause)}. ` +
        'Drop what came of it and try again; if it goes on, the network or this machine changes bytes.',
      { details: { bucketType, operation, key }, cause },
    );
  }
}

/** An object that was replaced or deleted while it was read: the rest of what was begun is gone. */
export class ObjectReplaced extends ModelfnError {
  override readonly name = 'ObjectReplaced';
  readonly code = 'ObjectReplaced';
  readonly statusCode = 409;
  override readonly retryable = true;
  constructor(bucketType: string, key: string, cause?: unknown) {
    super(
      `The object "${key}" of the ${bucketType} bucket was replaced while it was read. Read it again from its start.`,
      { details: { bucketType, key }, cause },
    );
  }
}

/** The place a bucket's spec names is not there, or is no folder. */
export class BucketNotFound extends ModelfnError {
  override readonly name = 'BucketNotFound';
  readonly code = 'BucketNotFound';
  readonly statusCode = 404;
  constructor(what: string, advice: string, cause?: unknown) {
    super(`There is no bucket: ${what}. ${advice}`, { details: { what }, cause });
  }
}

/** A write to a bucket that only reads. */
export class BucketReadOnly extends ModelfnError {
  override readonly name = 'BucketReadOnly';
  readonly code = 'BucketReadOnly';
  readonly statusCode = 403;
  constructor(bucketType: string, key: string) {
    super(
      `The ${bucketType} bucket is read-only, so "${key}" was left as it is. Use a bucket that takes writes.`,
      {
        details: { bucketType, key },
      },
    );
  }
}

/** A local folder outside the folders this machine opens to buckets. */
export class BucketNotAllowed extends ModelfnError {
  override readonly name = 'BucketNotAllowed';
  readonly code = 'BucketNotAllowed';
  readonly statusCode = 403;
  constructor(localPath: string) {
    super(
      `The folder ${JSON.stringify(localPath)} may not be used as a bucket: it is not an absolute path inside the allowed folders, or it overlaps the state folder. ` +
        'Add a folder above it to MODELFN_LOCAL_ROOTS, or leave localPath out.',
      { details: { localPath } },
    );
  }
}

/** A bucket, or a place in one, outside those this machine opens to specs. */
export class GcsPlaceNotAllowed extends ModelfnError {
  override readonly name = 'GcsPlaceNotAllowed';
  readonly code = 'GcsPlaceNotAllowed';
  readonly statusCode = 403;
  constructor(place: string) {
    super(
      `The place ${JSON.stringify(place)} of Cloud Storage may not be used: it lies in none of the allowed buckets. ` +
        'Add the bucket, or bucket/prefix, to MODELFN_GCS_BUCKETS, or name another one.',
      { details: { place } },
    );
  }
}

/** A bucket type that nothing here can open. */
export class BucketDriverMissing extends ModelfnError {
  override readonly name = 'BucketDriverMissing';
  readonly code = 'BucketDriverMissing';
  readonly statusCode = 501;
  constructor(type: string, known: readonly string[]) {
    super(
      `There is no driver for a bucket of type ${JSON.stringify(type)}. There are: ${known.join(', ')}.`,
      {
        details: { type, known: [...known] },
      },
    );
  }
}
