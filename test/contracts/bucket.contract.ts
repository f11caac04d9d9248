import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Bucket, ObjectInfo } from '../../shared/buckets/bucket.ts';

/** An empty bucket, and a second handle on the same objects, as another process would have it. */
export interface OpenedBucket {
  bucket: Bucket;
  again: Bucket;
}

/** Every promise of `buckets/bucket.ts`, for any driver as the registry hands it out. */
export function bucketContract(name: string, open: () => Promise<OpenedBucket>): void {
  describe(`bucket contract: ${name}`, () => {
    let bucket: Bucket;
    let again: Bucket;
    beforeEach(async () => {
      ({ bucket, again } = await open());
    });

    it('gives back what was written, through any handle', async () => {
      const written = await bucket.write('weights/model.bin', bytesOf('one'));

      expect(await textOf(again, 'weights/model.bin')).toBe('one');
      expect(written).toMatchObject({ key: 'weights/model.bin', sizeBytes: 3 });
      expect(await again.stat('weights/model.bin')).toEqual(written);
    });

    it('takes a stream in chunks, an empty object, and odd but honest keys', async () => {
      const keys = ['.keep', 'a b/ü', '..almost', 'x/...', '日本/重み.bin', '-rf', 'quote\'"$(x)'];

      for (const key of keys) await bucket.write(key, chunks('con', '', 'tent'));
      await bucket.write('empty', new Uint8Array());

      for (const key of keys) expect(await textOf(bucket, key)).toBe('content');
      expect(await textOf(bucket, 'empty')).toBe('');
      expect((await listOf(bucket)).map(({ key }) => key)).toEqual([...keys, 'empty'].sort());
    });

    it('lists by prefix in order of key, with the etags stat gives', async () => {
      for (const key of ['b', 'a/2', 'a/10', 'a.txt', 'ab/c/d', 'a-b']) await bucket.write(key, bytesOf(key));

      expect((await listOf(bucket)).map(({ key }) => key)).toEqual([
        'a-b',
        'a.txt',
        'a/10',
        'a/2',
        'ab/c/d',
        'b',
      ]);
      expect((await listOf(bucket, 'a/')).map(({ key }) => key)).toEqual(['a/10', 'a/2']);
      expect((await listOf(bucket, 'ab/c')).map(({ key }) => key)).toEqual(['ab/c/d']);
      expect(await listOf(bucket, 'none/')).toEqual([]);
      for (const { changedAtMs: _listOnly, ...object } of await listOf(bucket))
        expect(await bucket.stat(object.key)).toEqual(object);
    });

    it('reads ranges, cut at the end of the object', async () => {
      await bucket.write('digits', chunks('0123', '456789'));

      expect(await textOf(bucket, 'digits', { start: 2, end: 6 })).toBe('2345');
      expect(await textOf(bucket, 'digits', { start: 7 })).toBe('789');
      expect(await textOf(bucket, 'digits', { start: 8, end: 100 })).toBe('89');
      expect(await textOf(bucket, 'digits', { start: 3, end: 3 })).toBe('');
      expect(await textOf(bucket, 'digits', { start: 50 })).toBe('');
      expect(await codeOf(textOf(bucket, 'digits', { start: 5, end: 2 }))).toBe('InvalidInput');
      expect(await codeOf(textOf(bucket, 'digits', { start: -1 }))).toBe('InvalidInput');
    });

    it('changes the etag with the bytes', async () => {
      const one = await bucket.write('key', bytesOf('one'));
      const two = await bucket.write('key', bytesOf('two'));

      expect(two.etag).not.toBe(one.etag);
      expect((await bucket.stat('key'))?.etag).toBe(two.etag);
    });

    it('tells absence: undefined from stat, ObjectNotFound from read, nothing from delete', async () => {
      await bucket.write('folder/file', bytesOf('x'));

      for (const key of ['none', 'folder', 'folder/file/below', 'folder/none']) {
        expect(await bucket.stat(key)).toBeUndefined();
        expect(await codeOf(textOf(bucket, key))).toBe('ObjectNotFound');
        await bucket.delete(key);
      }
      expect(await textOf(bucket, 'folder/file')).toBe('x');
    });

    it('deletes, repeatedly, and nothing but the key', async () => {
      await bucket.write('a/b', bytesOf('x'));
      await bucket.write('a/bc', bytesOf('y'));

      await bucket.delete('a/b');
      await again.delete('a/b');

      expect((await listOf(bucket)).map(({ key }) => key)).toEqual(['a/bc']);
    });

    it('refuses to write a taken key with ifAbsent and leaves it as it is', async () => {
      await bucket.write('key', bytesOf('first'), { ifAbsent: true });

      expect(await codeOf(again.write('key', bytesOf('second'), { ifAbsent: true }))).toBe(
        'PreconditionFailed',
      );
      expect(await textOf(bucket, 'key')).toBe('first');
    });

    it('lets exactly one of many concurrent ifAbsent writers win', async () => {
      const writers = Array.from({ length: 12 }, (_, index) =>
        (index % 2 ? bucket : again).write('race', chunks(`writer `, `${index}`), { ifAbsent: true }),
      );

      const results = await Promise.allSettled(writers);

      const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []));
      expect(winners).toHaveLength(1);
      expect(await textOf(bucket, 'race')).toBe(`writer ${winners[0]}`);
    });

    it('keeps the old object when a source fails, shows nothing of it, and hands its error through', async () => {
      await bucket.write('kept', bytesOf('old'));
      const broken = new Error('the upload broke');

      await expect(bucket.write('kept', failing(broken))).rejects.toBe(broken);
      await expect(bucket.write('fresh', failing(broken))).rejects.toBe(broken);

      expect(await textOf(bucket, 'kept')).toBe('old');
      expect((await listOf(bucket)).map(({ key }) => key)).toEqual(['kept']);
    });

    it('shows no unfinished write', async () => {
      const seen: string[][] = [];
      async function* source(): AsyncGenerator<Uint8Array> {
        yield bytesOf('half');
        seen.push((await listOf(again)).map(({ key }) => key));
        yield bytesOf('whole');
      }

      await bucket.write('slow', source());

      expect(seen).toEqual([[]]);
      expect(await textOf(bucket, 'slow')).toBe('halfwhole');
    });

    it('never shows a reader a mix of two objects while a writer replaces them', async () => {
      const versions = Array.from({ length: 8 }, (_, index) => Buffer.alloc(300_000 + index, 65 + index));
      const digests = new Set(versions.map(sha256));
      await bucket.write('torn', versions[0]!);
      let writing = true;
      const writer = (async () => {
        for (const version of versions) await bucket.write('torn', chunksOf(version));
        writing = false;
      })();

      let reads = 0;
      while (writing || reads < 3) {
        const digest = sha256(await bytesFrom(again, 'torn'));
        expect(digests.has(digest)).toBe(true);
        reads += 1;
      }
      await writer;
    });

    it('stores the writes of a batch together, when it is done and not before', async ({ skip }) => {
      if (bucket.together === undefined) return skip('the driver stores one object at a time');
      await bucket.write('old', bytesOf('x'));
      await bucket.write('kept', bytesOf('x'));

      const result = await bucket.together(async (batch) => {
        await batch.write('a/1', chunks('on', 'e'));
        await batch.write('b', bytesOf('two'));
        await batch.delete('old');
        expect(await codeOf(batch.write('b', bytesOf('three'), { ifAbsent: true }))).toBe(
          'PreconditionFailed',
        );
        expect(await codeOf(batch.write('../up', bytesOf('x')))).toBe('InvalidKey');
        expect(await textOf(batch, 'a/1', { start: 1 })).toBe('ne');
        expect((await listOf(batch)).map(({ key }) => key)).toEqual(['a/1', 'b', 'kept']);
        expect((await listOf(bucket)).map(({ key }) => key)).toEqual(['kept', 'old']);
        return batch.stat('b');
      });

      expect((await listOf(again)).map(({ key }) => key)).toEqual(['a/1', 'b', 'kept']);
      expect(await again.stat('b')).toEqual(result);
    });

    it('stores nothing of a batch that fails, and hands its error through', async ({ skip }) => {
      if (bucket.together === undefined) return skip('the driver stores one object at a time');
      const broken = new Error('the batch broke');

      const failing = bucket.together(async (batch) => {
        await batch.write('key', bytesOf('x'));
        throw broken;
      });

      await expect(failing).rejects.toBe(broken);
      expect(await listOf(again)).toEqual([]);
    });

    it('refuses hostile keys in every call', async () => {
      for (const key of ['../up', 'a/../../up', '/etc/passwd', 'a\\b', 'a\0b', '', 'a//b', './a', 'a/']) {
        expect(await codeOf(bucket.stat(key))).toBe('InvalidKey');
        expect(await codeOf(textOf(bucket, key))).toBe('InvalidKey');
        expect(await codeOf(bucket.write(key, bytesOf('x')))).toBe('InvalidKey');
        expect(await codeOf(bucket.delete(key))).toBe('InvalidKey');
      }
      expect(await codeOf(listOf(bucket, '../'))).toBe('InvalidKey');
    });

    it('stops a read and a write with the signal, and keeps nothing of the write', async () => {
      await bucket.write('key', bytesOf('x'));
      const stopped = AbortSignal.abort(new Error('enough'));

      expect(await codeOf(bucket.write('other', bytesOf('y'), { signal: stopped }))).toBe('Cancelled');
      expect(await codeOf(textOf(bucket, 'key', { signal: stopped }))).toBe('Cancelled');
      expect(await bucket.stat('other')).toBeUndefined();
    });
  });
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export async function bytesFrom(bucket: Bucket, key: string, options = {}): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of bucket.read(key, options)) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

export async function textOf(bucket: Bucket, key: string, options = {}): Promise<string> {
  return (await bytesFrom(bucket, key, options)).toString();
}

export async function listOf(bucket: Bucket, prefix?: string): Promise<ObjectInfo[]> {
  return allOf(bucket.list(prefix));
}

export async function allOf<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** The code a promise is refused with; what was fulfilled, when it was not refused. */
export async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return { fulfilled: await work };
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytesOf(text);
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 64_000) yield bytes.subarray(at, at + 64_000);
}

async function* failing(error: Error): AsyncGenerator<Uint8Array> {
  yield bytesOf('half of it');
  throw error;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
