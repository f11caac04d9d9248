import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket } from '../../../shared/buckets/bucket.ts';
import { isModelfnError, type ModelfnError } from '../../../shared/errors.ts';
import { bytesFrom, listOf } from '../../contracts/bucket.contract.ts';
import { KeptBucket } from '../../support/gcs-objects.ts';
import { instantPace, TEST_PIECE_BYTES, testBucket, testPlace } from '../../support/gcs-place.ts';
import { type Fault, type GcsCall, type GcsServer, startGcsServer } from '../../support/gcs-server.ts';

const SCHEDULES = 1000;
const CALLS_A_SCHEDULE = 5;
const KEYS = ['manifest.json', 'blobs/one'];
/** All that a call may end with when the network and the service misbehave. */
const FAILURES = [
  'BucketUnavailable',
  'BucketAccessDenied',
  'ObjectDamaged',
  'ObjectReplaced',
  'BucketCallRefused',
];
const SECRET = 'ya29.a-planted-secret';
const ABSENT = 'absent';

type Random = () => number;

/** What each key may hold, as latin1 text: more than one thing after a write or delete whose end is unknown. */
type Model = Map<string, Set<string>>;

interface Schedule {
  seed: number;
  random: Random;
  bucket: Bucket;
  model: Model;
  /** Texts of uploads that may arrive late where nothing was: they can come back after a delete, see `gcs/upload.ts`. */
  ghosts: Map<string, Set<string>>;
  /** Faults of the call that is under way. */
  met: Fault['kind'][];
}

describe('a gcs bucket on its worst days', () => {
  let server: GcsServer;
  const seen = new Map<string, number>();
  const outcomes = new Map<string, number>();
  beforeAll(async () => {
    server = await startGcsServer();
  });
  afterAll(() => server.close());

  it(`takes no wrong byte and loses no upload in ${SCHEDULES} seeded schedules of faults`, async () => {
    const first = Number(process.env.GCS_FAULT_SEED ?? 1);
    for (let seed = first; seed < first + SCHEDULES; seed += 1) {
      const schedule = open(server, seed);
      try {
        for (let call = 0; call < CALLS_A_SCHEDULE; call += 1) await runCall(server, schedule);
        await checkEnd(server, schedule);
      } catch (error) {
        throw new Error(`schedule ${seed} failed (GCS_FAULT_SEED=${seed} starts there)`, { cause: error });
      }
    }

    console.log(
      `gcs faults: ${tableOf(seen)}; ends of calls: ${tableOf(outcomes)}; ${server.requests.length} requests`,
    );
    for (const kind of ['status', 'reset', 'late', 'truncate', 'stall', 'corrupt', 'hold'])
      expect(seen.get(kind), `faults of kind ${kind}`).toBeGreaterThan(SCHEDULES / 20);
    expect(outcomes.get('success')).toBeGreaterThan(SCHEDULES);
    expect(outcomes.get('BucketUnavailable')).toBeGreaterThan(SCHEDULES / 20);
  }, 60_000);

  function open(of: GcsServer, seed: number): Schedule {
    const name = `bucket-${seed}`;
    const random = randomFrom(seed);
    of.buckets.set(name, new KeptBucket(name));
    of.token = SECRET;
    const place = testPlace(of, name, instantPace(of, { random, attempts: 4 }));
    const schedule: Schedule = {
      seed,
      random,
      bucket: testBucket(place),
      model: new Map(KEYS.map((key) => [key, new Set([ABSENT])])),
      ghosts: new Map(KEYS.map((key) => [key, new Set<string>()])),
      met: [],
    };
    const share = pick(random, [0.1, 0.3, 0.6, 0.95]);
    of.decide = ({ call }) => {
      const fault: Fault = random() < share ? faultOf(random, call) : { kind: 'pass' };
      seen.set(fault.kind, (seen.get(fault.kind) ?? 0) + 1);
      schedule.met.push(fault.kind);
      return fault;
    };
    return schedule;
  }

  async function runCall(of: GcsServer, schedule: Schedule): Promise<void> {
    schedule.met = [];
    const key = pick(schedule.random, KEYS);
    const call = pick(schedule.random, [
      write,
      write,
      writeIfAbsent,
      writeIfAbsent,
      read,
      readRange,
      stat,
      list,
      remove,
    ]);
    const end = await call(schedule, key).then(
      () => 'success',
      (error: unknown) => checkFailure(error, call === list ? undefined : key),
    );
    outcomes.set(end, (outcomes.get(end) ?? 0) + 1);
    if (schedule.random() < 0.1) of.settle();
  }
});

async function write({ random, bucket, model, ghosts, met }: Schedule, key: string): Promise<void> {
  const bytes = someBytes(random);
  const held = model.get(key)!;
  try {
    const written = await bucket.write(key, sourceOf(random, bytes));
    expect(written).toMatchObject({ key, sizeBytes: bytes.byteLength });
    model.set(key, new Set([textOf(bytes)]));
  } catch (error) {
    held.add(textOf(bytes));
    throw error;
  } finally {
    if (met.includes('late')) ghosts.get(key)!.add(textOf(bytes));
  }
}

async function writeIfAbsent({ random, bucket, model, ghosts, met }: Schedule, key: string): Promise<void> {
  const bytes = someBytes(random);
  const held = model.get(key)!;
  try {
    await bucket.write(key, sourceOf(random, bytes), { ifAbsent: true });
    expect(held, 'what was there when ifAbsent succeeded').toContain(ABSENT);
    model.set(key, new Set([textOf(bytes)]));
  } catch (error) {
    if ((error as ModelfnError).code !== 'PreconditionFailed') {
      if (held.has(ABSENT)) held.add(textOf(bytes));
      throw error;
    }
    expect([...held], 'what was there when ifAbsent was refused').not.toEqual([ABSENT]);
  } finally {
    if (met.includes('late')) ghosts.get(key)!.add(textOf(bytes));
  }
}

async function read({ bucket, model }: Schedule, key: string): Promise<void> {
  const text = await bytesFrom(bucket, key).then(textOf, absentOr);
  expect(model.get(key)!.has(text), `"${key}" was read as one of the things written`).toBe(true);
}

/** The service has no checksum for parts: a corrupted part is for the caller's digest to see. */
async function readRange({ random, bucket, model, met }: Schedule, key: string): Promise<void> {
  const start = Math.floor(random() * 1500);
  const end = start + Math.floor(random() * 1500);
  const text = await bytesFrom(bucket, key, { start, end }).then(textOf, absentOr);
  const isOne = [...model.get(key)!].some((held) =>
    held === ABSENT ? text === held : text === held.slice(start, end),
  );
  if (!met.includes('corrupt'))
    expect(isOne, `a range of "${key}" was of one of the things written`).toBe(true);
}

async function stat({ bucket, model }: Schedule, key: string): Promise<void> {
  const found = await bucket.stat(key);
  const sizes = [...model.get(key)!].map((held) => (held === ABSENT ? undefined : held.length));
  expect(sizes).toContain(found?.sizeBytes);
}

async function list({ bucket, model }: Schedule): Promise<void> {
  const found = await listOf(bucket);
  for (const [key, held] of model) {
    const isListed = found.some((object) => object.key === key);
    expect(
      isListed ? [...held].some((text) => text !== ABSENT) : held.has(ABSENT),
      `${key} in the list`,
    ).toBe(true);
  }
}

async function remove({ bucket, model, ghosts }: Schedule, key: string): Promise<void> {
  try {
    await bucket.delete(key);
    model.set(key, new Set([ABSENT, ...ghosts.get(key)!]));
  } catch (error) {
    model.get(key)!.add(ABSENT);
    throw error;
  }
}

/** When all is calm again, and what was under way has arrived, each key holds what the calls said. */
async function checkEnd(server: GcsServer, schedule: Schedule): Promise<void> {
  server.settle();
  server.decide = () => ({ kind: 'pass' });
  for (const key of KEYS) await read(schedule, key);
  server.buckets.delete(`bucket-${schedule.seed}`);
}

function checkFailure(error: unknown, key: string | undefined): string {
  if (!isModelfnError(error)) throw error;
  expect(FAILURES).toContain(error.code);
  if (key !== undefined) expect(error.message).toContain(`"${key}"`);
  expect(error.message).toMatch(/try again|again from its start|Set MODELFN_GCS|Grant|Look at/i);
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    expect(`${at.message}${JSON.stringify(at)}`).not.toContain(SECRET);
  return error.code;
}

function faultOf(random: Random, call: GcsCall): Fault {
  const share = random();
  const refusals: Fault[] = [
    { kind: 'status', status: 503, message: `Backend Error; you sent authorization: Bearer ${SECRET}` },
    { kind: 'status', status: 429, reason: 'rateLimitExceeded', retryAfterSeconds: 2 },
    { kind: 'status', status: 401, reason: 'authError', message: 'Invalid Credentials' },
  ];
  const broken: Fault[] = [
    { kind: 'reset', when: 'before' },
    { kind: 'reset', when: 'after' },
    { kind: 'truncate', share },
    { kind: 'stall', share },
    { kind: 'hold', until: new Promise((resolve) => setImmediate(resolve)) },
  ];
  const isWrite = ['upload', 'open session', 'piece', 'delete'].includes(call);
  const ofWrites: Fault[] = [
    { kind: 'status', status: 412, reason: 'conditionNotMet' },
    { kind: 'late', requests: 1 + Math.floor(share * 8) },
  ];
  const ofBytes: Fault[] = ['read', 'upload', 'piece'].includes(call) ? [{ kind: 'corrupt' }] : [];
  return pick(random, [...refusals, ...broken, ...(isWrite ? ofWrites : []), ...ofBytes]);
}

function someBytes(random: Random): Buffer {
  const sizeBytes = pick(random, [0, 1, 300, TEST_PIECE_BYTES, TEST_PIECE_BYTES + 1, 3500]);
  return Buffer.from(Array.from({ length: sizeBytes }, () => Math.floor(random() * 256)));
}

function sourceOf(random: Random, bytes: Buffer): Uint8Array | AsyncIterable<Uint8Array> {
  if (random() < 0.3) return bytes;
  const step = 1 + Math.floor(random() * 900);
  return (async function* () {
    for (let at = 0; at < bytes.byteLength; at += step) yield bytes.subarray(at, at + step);
  })();
}

function textOf(bytes: Buffer): string {
  return bytes.toString('latin1');
}

function absentOr(error: unknown): string {
  if (isModelfnError(error) && error.code === 'ObjectNotFound') return ABSENT;
  throw error;
}

function tableOf(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)]!;
}

/** mulberry32 */
function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
