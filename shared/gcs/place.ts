import { GcsPlaceNotAllowed } from '../buckets/errors.ts';
import type { GcsSettings } from '../config.ts';
import { gcsConnection } from './connection.ts';
import type { GcsPlace } from './object-call.ts';
import { DEFAULT_PACE } from './pace.ts';

/** Twice this is the memory of one upload. Smaller pieces would wait more often for an answer. */
const PIECE_BYTES = 8 << 20;

/** The place a spec names, as this process reaches it. @throws GcsPlaceNotAllowed */
export function gcsPlace(
  settings: Readonly<GcsSettings>,
  spec: { gcsBucketName: string; gcsPrefix: string },
): GcsPlace {
  const path = `${spec.gcsBucketName}/${spec.gcsPrefix}`.replace(/\/$/, '');
  const isAllowed =
    settings.buckets?.some((allowed) => path === allowed || path.startsWith(`${allowed}/`)) ?? true;
  if (!isAllowed) throw new GcsPlaceNotAllowed(path);
  return {
    connection: gcsConnection(settings),
    pace: DEFAULT_PACE,
    bucketName: spec.gcsBucketName,
    pieceBytes: PIECE_BYTES,
  };
}
