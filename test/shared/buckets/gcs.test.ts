import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Storage } from '@google-cloud/storage';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Bucket } from '../../../shared/buckets/bucket.ts';
import { openBucket } from '../../../shared/buckets/registry.ts';
import type { GcsSettings } from '../../../shared/config.ts';
import { RepeatableSource } from '../../../shared/content/byte-source.ts';
import type { ModelfnError } from '../../../shared/errors.ts';
import { Secrets } from '../../../shared/secrets.ts';
import { bytesFrom, bytesOf, codeOf, listOf, textOf } from '../../contracts/bucket.contract.ts';
import {
  instantPace,
  TEST_PIECE_BYTES,
  type TestPace,
  testBucket,
  testPlace,
} from '../../support/gcs-place.ts';
import { type Fault, type GcsServer, startGcsServer } from '../../support/gcs-server.ts';
import { gitContext } from '../../support/git-context.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';

const NAME = 'weights-of-tests';
const UNAVAILABLE: Fault = { kind: 'status', status: 503 };
const PASS: Fault = { kind: 'pass' };

describe('a gcs bucket', () => {
  let server: GcsServer;
  let pace: TestPace;
  let bucket: Bucket;
  beforeEach(async () => {
    server = await startGcsServer(NAME);
    pace = instantPace(server);
    bucket = testBucket(testPlace(server, NAME, pace));
    return () => server.close();
  });
  const callsOf = (): string[] => server.requests.map(({ call }) => call);
  const keep = (name: string, bytes: Buffer) => server.buckets.get(NAME)!.put({ name, bytes }, null);
  const kept = (name: string) => server.buckets.get(NAME)!.objects.get(name);

  it('keeps its objects below its prefix, and sees no others', async () => {
    keep('weights2/other', Buffer.from('x'));
    keep('weights/', Buffer.from(''));
    keep('weights/folder/', Buffer.from(''));

    await bucket.write('a/b', bytesOf('x'));

    expect(kept('weights/a/b')?.bytes.toString()).toBe('x');
    expect((await listOf(bucket)).map(({ key }) => key)).toEqual(['a/b']);
  });

  it('works without a prefix', async () => {
    const whole = testBucket(testPlace(server, NAME, pace), '');

    await whole.write('key', bytesOf('x'));

    expect(kept('key')).toBeDefined();
    expect((await listOf(whole)).map(({ key }) => key)).toEqual(['key']);
  });

  it('lists more objects than fit on a page', async () => {
    for (let index = 0; index < 2500; index += 1)
      keep(`weights/${String(index).padStart(5, '0')}`, Buffer.from(''));

    const keys = (await listOf(bucket)).map(({ key }) => key);

    expect(keys).toHaveLength(2500);
    expect(keys).toEqual([...keys].sort());
    expect(callsOf()).toEqual(['list', 'list', 'list']);
  });

  it('has the generation as its etag, which changes of metadata leave alone', async () => {
    const written = await bucket.write('key', bytesOf('x'));

    expect(written.etag).toBe(kept('weights/key')?.generation);
  });

  it('refuses a key that is too long together with the prefix', async () => {
    const key = Array.from({ length: 5 }, () => 'k'.repeat(203)).join('/');

    expect(await codeOf(bucket.write(key, bytesOf('x')))).toBe('InvalidKey');
  });

  describe('a read', () => {
    it('goes on where its connection broke, of the same generation', async () => {
      const bytes = Buffer.alloc(500_000, 'abcdefg');
      const { generation } = keep('weights/big', bytes);
      server.decide = ({ number }) => (number <= 3 ? { kind: 'truncate', share: 0.5 } : PASS);

      expect((await bytesFrom(bucket, 'big')).equals(bytes)).toBe(true);
      expect(server.requests.map(({ query }) => query.get('generation'))).toEqual([
        null,
        generation,
        generation,
        generation,
      ]);
      expect(server.requests[1]!.headers.range).toMatch(/^bytes=\d{5,}-$/);
    });

    it('never mixes in bytes of an object that replaced its own', async () => {
      keep('weights/big', Buffer.alloc(500_000, 'old'));
      server.decide = ({ number }) => {
        if (number === 2) keep('weights/big', Buffer.alloc(500_000, 'new'));
        return number === 1 ? { kind: 'truncate', share: 0.5 } : PASS;
      };

      expect(await codeOf(bytesFrom(bucket, 'big'))).toBe('ObjectReplaced');
    });

    it('fails at its end when a bit was flipped on the way', async () => {
      keep('weights/key', Buffer.alloc(10_000, 'x'));
      server.decide = () => ({ kind: 'corrupt' });

      expect(await codeOf(bytesFrom(bucket, 'key'))).toBe('ObjectDamaged');
    });

    it.each([
      { start: 0, end: 1 },
      { start: 100_000, end: 400_000 },
      { start: 499_999 },
      { start: 200_000, end: 200_001 },
      { start: 0, end: 900_000 },
      { start: 500_000 },
      { start: 600_000, end: 700_000 },
    ])(
      'of the range %j takes the bytes asked for from a server that answers with the whole object',
      async (range) => {
        const bytes = Buffer.from(Array.from({ length: 500_000 }, (_, index) => index % 251));
        keep('weights/big', bytes);
        server.decide = ({ call }) => (call === 'read' ? { kind: 'whole' } : PASS);

        const found = await bytesFrom(bucket, 'big', range);

        expect(found.equals(bytes.subarray(range.start, range.end))).toBe(true);
        for (const { headers } of server.requests) {
          const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
          expect(Number(last ?? Infinity)).toBeGreaterThanOrEqual(Number(first ?? 0));
        }
      },
    );

    it.each([undefined, { start: 100_000, end: 400_000 }])(
      'of the range %j that broke goes on where the whole object is sent again',
      async (range) => {
        const bytes = Buffer.from(Array.from({ length: 500_000 }, (_, index) => index % 251));
        keep('weights/big', bytes);
        server.decide = ({ number }) => (number === 1 ? { kind: 'truncate', share: 0.5 } : { kind: 'whole' });

        const found = await bytesFrom(bucket, 'big', range);

        expect(found.equals(bytes.subarray(range?.start, range?.end))).toBe(true);
      },
    );

    it.each([undefined, { start: 3 }, { start: 3, end: 5 }])(
      'of the range %j is no success when a server refuses a range that is there',
      async (range) => {
        keep('weights/key', Buffer.from('some bytes'));
        server.decide = ({ call }) =>
          call === 'read' ? { kind: 'status', status: 416, reason: 'requestedRangeNotSatisfiable' } : PASS;

        expect(await codeOf(bytesFrom(bucket, 'key', range))).toBe('BucketUnavailable');
      },
    );

    it('of an empty object and of a range behind the end is empty', async () => {
      keep('weights/empty', Buffer.alloc(0));
      keep('weights/key', Buffer.from('0123456789'));

      expect((await bytesFrom(bucket, 'empty')).byteLength).toBe(0);
      expect((await bytesFrom(bucket, 'empty', { start: 0, end: 5 })).byteLength).toBe(0);
      expect((await bytesFrom(bucket, 'key', { start: 10 })).byteLength).toBe(0);
      expect((await bytesFrom(bucket, 'key', { start: 50, end: 60 })).byteLength).toBe(0);
    });

    it.each([
      ['another range', 'bytes 1-4/10'],
      ['more than was asked for', 'bytes 2-9/10'],
      ['no range', 'bytes */10'],
      ['a range that is no range', 'nonsense'],
    ])('gives no byte of an answer that names %s', async (_what, contentRange) => {
      keep('weights/key', Buffer.from('0123456789'));
      server.decide = () => ({ kind: 'headers', headers: { 'content-range': contentRange } });

      expect(await codeOf(bytesFrom(bucket, 'key', { start: 2, end: 5 }))).toBe('BucketUnavailable');
    });

    it('gives no byte of an object that was compressed on the way', async () => {
      keep('weights/key', Buffer.from('0123456789'));
      server.decide = () => ({ kind: 'headers', headers: { 'content-encoding': 'gzip' } });

      for (const range of [undefined, { start: 2, end: 5 }])
        expect(await codeOf(bytesFrom(bucket, 'key', range))).toBe('BucketUnavailable');
    });

    it('goes on with new credentials when the old ones expire in the middle', async () => {
      const bytes = Buffer.alloc(500_000, 'abcdefg');
      keep('weights/big', bytes);
      server.decide = ({ number }) => {
        if (number === 1) return { kind: 'truncate', share: 0.5 };
        server.token = 'ya29.renewed';
        return PASS;
      };

      expect((await bytesFrom(bucket, 'big')).equals(bytes)).toBe(true);
    });

    it('frees its socket when the reader stops early', async () => {
      keep('weights/big', Buffer.alloc(20_000_000));

      for await (const chunk of bucket.read('big')) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        break;
      }

      await expect.poll(() => server.openSockets).toBe(0);
    });

    it('stops with the signal while nothing comes, and frees its socket', async () => {
      keep('weights/big', Buffer.alloc(100_000));
      const stopping = new AbortController();
      server.decide = () => ({ kind: 'stall', share: 0.5 });
      server.onStall = () => stopping.abort();

      expect(await codeOf(bytesFrom(bucket, 'big', { signal: stopping.signal }))).toBe('Cancelled');
      await expect.poll(() => server.openSockets).toBe(0);
    });
  });

  describe('a write', () => {
    it('is one request for a small object that is to be new, a session for a large one', async () => {
      await bucket.write('small', bytesOf('x'), { ifAbsent: true });
      await bucket.write('large', Buffer.alloc(2 * TEST_PIECE_BYTES + 1, 'y'), { ifAbsent: true });

      expect(callsOf()).toEqual(['upload', 'open session', 'piece', 'piece', 'piece']);
      expect(kept('weights/large')?.bytes).toEqual(Buffer.alloc(2 * TEST_PIECE_BYTES + 1, 'y'));
    });

    it.each([
      ['small', 10],
      ['large', 2500],
    ])('ifAbsent knows its own %s object when the answer was lost', async (key, sizeBytes) => {
      server.decide = ({ call, number }) =>
        (call === 'upload' && number === 1) || (call === 'piece' && number === 4)
          ? { kind: 'reset', when: 'after' }
          : PASS;

      // The second try gets "precondition failed", or the session that is complete.
      const written = await bucket.write(key, Buffer.alloc(sizeBytes, 'z'), { ifAbsent: true });

      expect(written.etag).toBe(kept(`weights/${key}`)?.generation);
    });

    it('ifAbsent does not take for its own what somebody else wrote with the same bytes', async () => {
      server.decide = ({ number }) => {
        if (number !== 1) return PASS;
        keep('weights/key', Buffer.from('same'));
        return { kind: 'reset', when: 'before' };
      };

      expect(await codeOf(bucket.write('key', bytesOf('same'), { ifAbsent: true }))).toBe(
        'PreconditionFailed',
      );
    });

    it('is sent again over what another writer put there meanwhile', async () => {
      server.decide = ({ call, number }) => {
        if (call === 'upload' && number === 2) keep('weights/key', Buffer.from('theirs'));
        return PASS;
      };

      await bucket.write('key', bytesOf('ours'));

      expect(await textOf(bucket, 'key')).toBe('ours');
      expect(callsOf().slice(0, 4)).toEqual(['stat', 'upload', 'stat', 'upload']);
    });

    it('that arrives late does not come over a later one that had succeeded', async () => {
      keep('weights/key', Buffer.from('first'));
      server.decide = ({ call, number }) =>
        call === 'upload' && number === 2 ? { kind: 'late', requests: 6 } : PASS;
      await bucket.write('key', bytesOf('second'));
      await bucket.write('key', bytesOf('third'));
      server.settle();

      expect(await textOf(bucket, 'key')).toBe('third');
    });

    it('of bytes damaged on their way is sent again, and no damaged object is ever seen', async () => {
      server.decide = ({ number }) => (number <= 2 ? { kind: 'corrupt' } : PASS);

      await bucket.write('key', bytesOf('whole'), { ifAbsent: true });

      expect(await textOf(bucket, 'key')).toBe('whole');
    });

    it.each([
      ['410', { kind: 'status', status: 410, reason: 'gone' }, 3],
      ['404', { kind: 'status', status: 404, reason: 'notFound' }, 3],
      ['410 at its last piece', { kind: 'status', status: 410, reason: 'gone' }, 5],
      ['404 at its last piece', { kind: 'lose sessions' }, 5],
    ] as [string, Fault, number][])(
      'opens a new session when the service answers %s, where its source can be read again',
      async (_what, fault, at) => {
        const bytes = Buffer.alloc(2 * TEST_PIECE_BYTES + 7, 'abcdefg');
        const sources = [
          bytes,
          new RepeatableSource(async function* () {
            for (let from = 0; from < bytes.byteLength; from += 700) yield bytes.subarray(from, from + 700);
          } as () => AsyncGenerator<Uint8Array>),
        ];
        for (const source of sources) {
          const before = server.requests.length;
          server.decide = ({ number }) => (number === before + at ? fault : PASS);

          await bucket.write('key', source);

          expect(kept('weights/key')?.bytes.equals(bytes)).toBe(true);
          expect(
            callsOf()
              .slice(before)
              .filter((call) => call === 'open session'),
          ).toHaveLength(2);
          await bucket.delete('key');
        }
      },
    );

    it('of a stream reports a lost session as a failure that may pass, not as a missing bucket', async () => {
      async function* source(): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(2 * TEST_PIECE_BYTES + 7, 'abc');
      }
      server.decide = ({ call, number }) =>
        call === 'piece' && number > 3 ? { kind: 'status', status: 404, reason: 'notFound' } : PASS;

      await expect(bucket.write('key', source())).rejects.toMatchObject({
        code: 'BucketUnavailable',
        retryable: true,
        message: expect.stringContaining('the upload session is gone'),
      });

      expect(kept('weights/key')).toBeUndefined();
    });

    it('ends when every session is lost', async () => {
      server.decide = ({ call }) =>
        call === 'piece' ? { kind: 'status', status: 410, reason: 'gone' } : PASS;

      expect(await codeOf(bucket.write('key', Buffer.alloc(3 * TEST_PIECE_BYTES)))).toBe('BucketUnavailable');
    });

    it('begins again when a session has fewer bytes than it confirmed', async () => {
      const bytes = Buffer.alloc(3 * TEST_PIECE_BYTES, 'abcdefg');
      server.decide = ({ call, number }) =>
        call === 'piece' && number === 4 ? { kind: 'headers', headers: { range: 'bytes=0-9' } } : PASS;

      await bucket.write('key', bytes);

      expect(kept('weights/key')?.bytes.equals(bytes)).toBe(true);
    });

    it.each([
      ['503', { kind: 'status', status: 503 }],
      ['429', { kind: 'status', status: 429, retryAfterSeconds: 3 }],
      ['a broken connection before it is taken', { kind: 'reset', when: 'before' }],
      ['a broken connection after it was taken', { kind: 'reset', when: 'after' }],
    ] as [string, Fault][])('is whole when its last piece meets %s', async (_what, fault) => {
      const bytes = Buffer.alloc(2 * TEST_PIECE_BYTES + 7, 'abcdefg');
      let met = false;
      server.decide = ({ call, headers }) => {
        const isLast = call === 'piece' && !headers['content-range']!.toString().endsWith('/*');
        if (!isLast || met) return PASS;
        met = true;
        return fault;
      };

      await bucket.write('key', bytes);

      expect(met).toBe(true);
      expect(kept('weights/key')?.bytes.equals(bytes)).toBe(true);
    });

    it('goes on with new credentials when the old ones expire between two pieces', async () => {
      const bytes = Buffer.alloc(3 * TEST_PIECE_BYTES, 'abcdefg');
      server.decide = ({ call, number }) => {
        if (call === 'piece' && number === 4) server.token = 'ya29.renewed';
        return PASS;
      };

      await bucket.write('key', bytes);

      expect(kept('weights/key')?.bytes.equals(bytes)).toBe(true);
    });

    it('gives its session up when its source fails or hangs, and keeps nothing', async () => {
      const stopping = new AbortController();
      const hang = new Promise<never>(() => {});
      async function* source(): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(3 * TEST_PIECE_BYTES);
        stopping.abort();
        await hang;
      }

      expect(await codeOf(bucket.write('key', source(), { signal: stopping.signal }))).toBe('Cancelled');

      await expect.poll(callsOf).toContain('cancel');
      expect(server.buckets.get(NAME)!.objects.size).toBe(0);
    });
  });

  it('deletes no later object by a request that arrives late', async () => {
    keep('weights/key', Buffer.from('first'));
    server.decide = ({ call, number }) =>
      call === 'delete' && number === 2 ? { kind: 'late', requests: 50 } : PASS;

    await bucket.delete('key');
    await bucket.write('key', bytesOf('second'));
    server.settle();

    expect(await textOf(bucket, 'key')).toBe('second');
  });

  describe('patience', () => {
    it('doubles its waits, obeys Retry-After, and ends', async () => {
      server.decide = ({ number }) => (number === 2 ? { ...UNAVAILABLE, retryAfterSeconds: 7 } : UNAVAILABLE);

      const failure = (await bucket.stat('key').catch((error: unknown) => error)) as ModelfnError;

      expect(pace.waits).toEqual([250, 7000, 1000, 2000, 4000]);
      expect(failure).toMatchObject({ code: 'BucketUnavailable', retryable: true });
      expect(failure.message).toMatch(/stat of "key" .*HTTP 503: Backend Error.*Try again/);
    });

    it('obeys a Retry-After that is a date', async () => {
      const at = new Date(Date.now() + 60_000).toUTCString();
      server.decide = ({ number }) =>
        number === 1 ? { kind: 'status', status: 429, headers: { 'retry-after': at } } : PASS;

      await bucket.stat('key');

      expect(pace.waits).toHaveLength(1);
      expect(pace.waits[0]).toBeGreaterThan(30_000);
    });

    it('does not try again what will not change', async () => {
      server.decide = () => ({
        kind: 'status',
        status: 400,
        reason: 'invalid',
        message: 'Invalid argument.',
      });

      expect(await codeOf(bucket.stat('key'))).toBe('BucketCallRefused');
      expect(server.requests).toHaveLength(1);
    });

    it('does not wait for longer than its total', async () => {
      server.decide = () => ({ ...UNAVAILABLE, retryAfterSeconds: 3600 }) as Fault;

      expect(await codeOf(bucket.stat('key'))).toBe('BucketUnavailable');
      expect(pace.waits).toEqual([]);
    });
  });

  describe('its errors', () => {
    it('tell a bucket that is not there from an object that is not', async () => {
      const other = testBucket(testPlace(server, 'no-such-bucket', pace));

      for (const work of [
        () => other.stat('key'),
        () => textOf(other, 'key'),
        () => other.write('key', bytesOf('x')),
        () => other.delete('key'),
        () => listOf(other),
      ])
        await expect(work()).rejects.toMatchObject({
          code: 'BucketNotFound',
          message: expect.stringContaining('"no-such-bucket"'),
        });
      expect(await bucket.stat('key')).toBeUndefined();
    });

    it('say which role is missing, and whose credentials are refused', async () => {
      const message =
        'robot@x.iam does not have storage.objects.get access to the Google Cloud Storage object.';
      server.decide = () => ({ kind: 'status', status: 403, reason: 'forbidden', message });
      await expect(bucket.stat('key')).rejects.toMatchObject({
        code: 'BucketAccessDenied',
        message: expect.stringMatching(/"key".*robot@x\.iam.*roles\/storage\.objectUser/),
      });

      server.decide = () => ({ kind: 'status', status: 401, reason: 'authError' });
      await expect(bucket.stat('key')).rejects.toMatchObject({
        code: 'BucketAccessDenied',
        message: expect.stringContaining('MODELFN_GCS_CREDENTIALS'),
      });
    });

    it('name the address as the thing to look at when nobody listens there', async () => {
      await server.close();

      await expect(bucket.stat('key')).rejects.toMatchObject({
        code: 'BucketUnavailable',
        message: expect.stringMatching(/ECONNREFUSED.*MODELFN_GCS_ENDPOINT/),
      });
    });
  });
});

describe('credentials of gcs', () => {
  const SECRET = 'a-planted-secret-token';

  /** A token service as workload identity has one: hands out a new token each time. */
  async function startTokens(answer: (count: number) => { status: number; body: unknown }) {
    let count = 0;
    const http = createServer((request, response) => {
      request.resume();
      count += 1;
      const { status, body } = answer(count);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await once(http, 'listening');
    onTestFinished(() => {
      http.close();
      http.closeAllConnections();
    });
    return { address: `http://127.0.0.1:${(http.address() as AddressInfo).port}/token`, count: () => count };
  }

  async function keyFile(tokenUrl: string): Promise<string> {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'subject'), SECRET);
    const path = join(folder, 'key.json');
    const key = {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: tokenUrl,
      credential_source: { file: join(folder, 'subject') },
    };
    await writeFile(path, JSON.stringify(key));
    return path;
  }

  const open = (gcs: GcsSettings) =>
    openBucket(
      { type: 'gcs', gcsProjectName: 'test-project', gcsBucketName: NAME, gcsPrefix: '' },
      {
        localRoots: { allowed: [], private: [] },
        defaultRoot: '/none',
        openItemFolder: () => Promise.reject(new Error('unplanned')),
        git: gitContext(),
        gcs,
      },
    );

  it.each([
    ['a key file', async (path: string) => ({ credentials: path })],
    [
      'a variable with a key',
      async (path: string) => ({
        credentials: 'MODELFN_SECRET_GCS',
        secrets: new Secrets({ MODELFN_SECRET_GCS: await readFile(path, 'utf8') }),
      }),
    ],
  ])('come from %s of workload identity, once, and are renewed when they expire', async (_what, given) => {
    const server = await startGcsServer(NAME);
    onTestFinished(() => server.close());
    const tokens = await startTokens((count) => ({
      status: 200,
      body: {
        access_token: `token-${count}`,
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 3600,
      },
    }));
    const bucket = await open({
      ...(await given(await keyFile(tokens.address))),
      endpoint: server.origin,
      buckets: undefined,
    });

    server.token = 'token-1';
    await bucket.write('key', bytesOf('x'));
    expect(await textOf(bucket, 'key')).toBe('x');
    expect(tokens.count()).toBe(1);

    server.token = 'token-2';
    expect(await textOf(bucket, 'key')).toBe('x');
    expect(tokens.count()).toBe(2);
  });

  it('that cannot be had are told without their secrets', async () => {
    const tokens = await startTokens(() => ({
      status: 400,
      body: { error: 'invalid_grant', error_description: `refused: ${SECRET}` },
    }));
    const endpoint = 'http://127.0.0.1:1';
    const bucket = await open({ credentials: await keyFile(tokens.address), endpoint, buckets: undefined });

    const failure = await bucket.stat('key').catch((error: unknown) => error);

    expect(failure).toMatchObject({
      code: 'BucketAccessDenied',
      message: expect.stringMatching(/"key".*gave no token: HTTP 400.*MODELFN_GCS_CREDENTIALS/),
    });
    for (let at = failure; at instanceof Error; at = at.cause)
      expect(`${at.message}${at.stack}${JSON.stringify(at)}`).not.toContain(SECRET);
  });

  it.each([
    ['that is not there', undefined, /cannot be read \(ENOENT\)/],
    ['that is no JSON', `{ "private_key": "${SECRET}" `, /is no JSON/],
  ])('in a key file %s are told so', async (_what, text, message) => {
    const credentials = join(temporaryFolder(), 'key.json');
    if (text !== undefined) await writeFile(credentials, text);
    const bucket = await open({ credentials, endpoint: 'http://127.0.0.1:1', buckets: undefined });

    const failure = (await bucket.stat('key').catch((error: unknown) => error)) as Error;

    expect(failure).toMatchObject({ code: 'BucketAccessDenied', message: expect.stringMatching(message) });
    expect(`${failure.message}${failure.cause}`).not.toContain(SECRET);
  });

  it('do not open buckets that this machine does not allow', async () => {
    const endpoint = 'http://127.0.0.1:1';

    for (const buckets of [['another-bucket'], [`${NAME}/team-a`], [`${NAME.slice(0, -1)}`], []])
      await expect(open({ credentials: 'anonymous', endpoint, buckets })).rejects.toMatchObject({
        code: 'GcsPlaceNotAllowed',
        message: expect.stringContaining('MODELFN_GCS_BUCKETS'),
      });
    expect(await open({ credentials: 'anonymous', endpoint, buckets: [NAME] })).toBeDefined();
  });
});

describe("the server for tests, asked by Google's own client", () => {
  it('takes uploads of every kind, and gives back bytes that the client finds right', async () => {
    const server = await startGcsServer(NAME);
    onTestFinished(() => server.close());
    const bucket = new Storage({ apiEndpoint: server.origin, projectId: 'test' }).bucket(NAME);
    const bytes = Buffer.alloc(700_000, 'abc');

    await bucket.file('simple').save(bytes, { resumable: false });
    await bucket.file('session').save(bytes, { resumable: true });
    await bucket.file('pieces').save(bytes, { resumable: true, chunkSize: 256 * 1024 });
    await bucket.file('simple').copy(bucket.file('copy'));
    await bucket.combine(['simple', 'copy'], 'both');

    for (const name of ['simple', 'session', 'pieces', 'copy']) {
      const [read] = await bucket.file(name).download({ validation: 'md5' });
      expect(read.equals(bytes)).toBe(true);
    }
    expect((await bucket.file('both').download())[0].byteLength).toBe(2 * bytes.byteLength);
    const again = bucket
      .file('simple')
      .save('x', { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } });
    await expect(again).rejects.toMatchObject({ code: 412 });
    const [files, next] = await bucket.getFiles({ maxResults: 2, autoPaginate: false });
    const [more] = await bucket.getFiles({ ...next, maxResults: 10 });
    expect([...files, ...more].map(({ name }) => name)).toEqual([
      'both',
      'copy',
      'pieces',
      'session',
      'simple',
    ]);
  });
});
