import {
  BucketAccessDenied,
  BucketCallRefused,
  BucketNotFound,
  BucketUnavailable,
  ObjectDamaged,
  ObjectNotFound,
  ObjectReplaced,
} from '../buckets/errors.ts';
import {
  ConnectionFailure,
  CredentialsFailure,
  hasStatus,
  isBucketMissing,
  isDamage,
  isPassing,
  ReplacedFailure,
  ReplyFailure,
  SessionLostFailure,
} from './failures.ts';
import type { GcsPlace } from './object-call.ts';

/** What was asked for when it failed. */
export interface Asked {
  operation: 'list' | 'stat' | 'read' | 'write' | 'delete';
  /** As the caller names the object; missing for a list. */
  key: string | undefined;
}

const TYPE = 'gcs';

const TRY_LATER =
  'Try again; if it goes on, look at the network, at MODELFN_GCS_ENDPOINT and at https://status.cloud.google.com.';

const LOG_IN =
  'Set MODELFN_GCS_CREDENTIALS to the path of a key file, give the function a service account, ' +
  'or log in on this machine: gcloud auth application-default login.';

/** A failure in the errors of buckets. What is none of this folder's, such as an error of a source, is handed back. */
export function codedFailure(place: GcsPlace, { operation, key }: Asked, error: unknown): unknown {
  const fields = { bucketType: TYPE, operation, key, cause: error };
  const object = { ...fields, key: key ?? '' };
  if (error instanceof ReplacedFailure) return new ObjectReplaced(TYPE, object.key, error);
  if (isDamage(error)) return new ObjectDamaged(object);
  if (error instanceof CredentialsFailure && !error.isPassing)
    return new BucketAccessDenied({ ...fields, problem: error.message, advice: LOG_IN });
  if (hasStatus(error, 401, 403) && !isPassing(error)) return denied(place, fields, error);
  if (hasStatus(error, 404) && (key === undefined || operation === 'write' || isBucketMissing(error)))
    return new BucketNotFound(
      `Cloud Storage has no "${place.bucketName}"${key === undefined ? '' : `, so the ${operation} of "${key}" failed`}`,
      'Make the bucket, or correct gcsBucketName.',
      error,
    );
  if (hasStatus(error, 404)) return new ObjectNotFound(TYPE, object.key, error);
  if (error instanceof ReplyFailure && !isPassing(error) && !hasStatus(error, 410, 412))
    return new BucketCallRefused(fields);
  const isOurs = [ReplyFailure, ConnectionFailure, CredentialsFailure, SessionLostFailure].some(
    (kind) => error instanceof kind,
  );
  return isOurs ? new BucketUnavailable({ ...fields, advice: TRY_LATER }) : error;
}

function denied(
  place: GcsPlace,
  fields: { bucketType: string; operation: string; key: string | undefined; cause: unknown },
  error: ReplyFailure,
): BucketAccessDenied {
  const role = `Grant the account Storage Object User (roles/storage.objectUser) on the bucket "${place.bucketName}".`;
  const isUnknown = error.status === 401 || place.connection.isAnonymous;
  return new BucketAccessDenied({ ...fields, problem: error.message, advice: isUnknown ? LOG_IN : role });
}
