import { Agent } from 'node:http';
import { GcsBucket } from '../../shared/buckets/gcs.ts';
import { GuardedBucket } from '../../shared/buckets/guarded-bucket.ts';
import type { GcsPlace } from '../../shared/gcs/object-call.ts';
import { DEFAULT_PACE, type Pace } from '../../shared/gcs/pace.ts';
import type { GcsServer } from './gcs-server.ts';

/** Small enough that a test's objects take several. */
export const TEST_PIECE_BYTES = 1000;

/** A place of the test server, with the token it asks for; renewing fetches the one it asks for then. */
export function testPlace(server: GcsServer, bucketName: string, pace: Readonly<Pace>): GcsPlace {
  let { token } = server;
  return {
    bucketName,
    pace,
    pieceBytes: TEST_PIECE_BYTES,
    connection: {
      origin: server.origin,
      isAnonymous: false,
      agent: new Agent({ keepAlive: true }),
      authorize: async (): Promise<Record<string, string>> =>
        token === undefined ? {} : { authorization: `Bearer ${token}` },
      renew: async () => {
        token = server.token;
      },
    },
  };
}

/** The bucket at a place, guarded as the registry does it. */
export function testBucket(place: GcsPlace, gcsPrefix = 'weights'): GuardedBucket {
  const spec = {
    type: 'gcs',
    gcsProjectName: 'test-project',
    gcsBucketName: place.bucketName,
    gcsPrefix,
  } as const;
  return new GuardedBucket(new GcsBucket(spec, place));
}

export interface TestPace extends Pace {
  /** Every wait between two tries so far, in milliseconds. */
  readonly waits: readonly number[];
}

/**
 * A pace on which no time passes: waits are over at once, and a connection counts as silent when the server says that
 * it stalls. One call at a time.
 */
export function instantPace(server: GcsServer, changes: Partial<Pace> = {}): TestPace {
  const waits: number[] = [];
  const awaited = new Set<() => void>();
  let nowMs = 0;
  let isStalling = false;
  server.onStall = () => {
    isStalling = true;
    for (const onSilence of awaited) onSilence();
  };
  return {
    ...DEFAULT_PACE,
    waits,
    now: () => nowMs,
    random: () => 0,
    wait: async (delayMs, signal) => {
      signal?.throwIfAborted();
      waits.push(delayMs);
      nowMs += delayMs;
    },
    watch: (_idleMs, onSilence) => {
      isStalling = false;
      return {
        touch: () => {
          awaited.add(onSilence);
          if (isStalling) setImmediate(() => awaited.has(onSilence) && onSilence());
        },
        rest: () => awaited.delete(onSilence),
        stop: () => awaited.delete(onSilence),
      };
    },
    ...changes,
  };
}
