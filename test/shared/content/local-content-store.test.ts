import { mkdir, open, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import { LocalContentStore } from '../../../shared/content/local-content-store.ts';
import { allOf, bytesOf, codeOf } from '../../contracts/bucket.contract.ts';
import { temporaryFolder } from './temporary-folder.ts';

const MANY = 1 << 20;

function pathOf(directory: string, sha256: string): string {
  return join(directory, sha256.slice(0, 2), sha256);
}

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytesOf(text);
}

describe('the content store', () => {
  it('gives back any bytes, from memory or from a stream, under the name of their digest', async () => {
    const store = new LocalContentStore({ directory: temporaryFolder() });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(299), async (bytes, cut) => {
        const content = await store.put(bytes, MANY);
        const streamed = await store.put(
          (async function* () {
            yield bytes.subarray(0, cut);
            yield bytes.subarray(cut);
          })(),
          MANY,
        );
        expect(content).toEqual({ sha256: sha256Of(bytes), sizeBytes: bytes.byteLength });
        expect(streamed).toEqual(content);
        expect(await store.bytes(content)).toEqual(bytes);
        expect(Buffer.concat(await allOf(store.stream(content)))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 25 },
    );
  });

  it('reads a head without the rest, 64 kB at most', async () => {
    const store = new LocalContentStore({ directory: temporaryFolder() });
    const content = await store.put(new Uint8Array(100_000).fill(7), MANY);

    expect(await store.head(content, 10)).toEqual(new Uint8Array(10).fill(7));
    expect(await store.head(content, 90_000)).toHaveLength(65_536);
    expect(await store.head(await store.put(bytesOf('short'), MANY), 10)).toEqual(bytesOf('short'));
  });

  it('does not write again what is there and sound', async () => {
    const directory = temporaryFolder();
    const store = new LocalContentStore({ directory });
    const { sha256 } = await store.put(bytesOf('same'), MANY);
    await utimes(pathOf(directory, sha256), 1, 1);

    await store.put(bytesOf('same'), MANY);
    await store.put(chunks('sa', 'me'), MANY);

    expect((await stat(pathOf(directory, sha256))).mtimeMs).toBe(1000);
  });

  it('finds one altered byte, and is healed by the next put of the right bytes', async () => {
    const directory = temporaryFolder();
    const store = new LocalContentStore({ directory });
    const content = await store.put(bytesOf('right'), MANY);
    await writeFile(pathOf(directory, content.sha256), 'wrong');

    expect(await codeOf(store.bytes(content))).toBe('ContentCorrupt');
    await store.put(bytesOf('right'), MANY);
    expect(await store.bytes(content)).toEqual(bytesOf('right'));
  });

  it('answers ContentMissing for what it does not have, also for names that are no digest', async () => {
    const store = new LocalContentStore({ directory: temporaryFolder() });
    for (const sha256 of ['0'.repeat(64), '../../etc/passwd', '']) {
      const content = { sha256, sizeBytes: 1 };
      expect(await codeOf(store.bytes(content))).toBe('ContentMissing');
      expect(await codeOf(store.head(content, 10))).toBe('ContentMissing');
      expect(await codeOf(allOf(store.stream(content)))).toBe('ContentMissing');
    }
  });

  it('keeps nothing of what is too large or whose source fails', async () => {
    const directory = temporaryFolder();
    const store = new LocalContentStore({ directory });
    const broken = new Error('the upload broke');

    expect(await codeOf(store.put(bytesOf('12345'), 4))).toBe('ContentTooLarge');
    expect(await codeOf(store.put(chunks('123', '45'), 4))).toBe('ContentTooLarge');
    await expect(
      store.put(
        (async function* () {
          yield bytesOf('1');
          throw broken;
        })(),
        4,
      ),
    ).rejects.toBe(broken);

    expect((await readdir(directory, { recursive: true })).filter((name) => name !== 'tmp')).toEqual([]);
  });

  it('on a full disk answers StorageUnavailable with advice, and leaves no part behind', async () => {
    const directory = temporaryFolder();
    const store = new LocalContentStore({ directory });
    await writeFile(join(directory, 'probe'), '');
    const handle = await open(join(directory, 'probe'));
    const prototype = Object.getPrototypeOf(handle) as { sync: () => Promise<void> };
    await handle.close();
    const full = Object.assign(new Error('ENOSPC: no space left on device, fsync'), { code: 'ENOSPC' });
    const spy = vi.spyOn(prototype, 'sync').mockRejectedValue(full);

    const failure = await store.put(bytesOf('x'), MANY).catch((error: unknown) => error);
    spy.mockRestore();

    expect(failure).toMatchObject({ code: 'StorageUnavailable', statusCode: 503, retryable: true });
    expect((failure as Error).message).toContain('free some space');
    expect(await readdir(join(directory, 'tmp'))).toEqual([]);
  });

  it('answers StorageUnavailable where its folder is a file', async () => {
    const file = join(temporaryFolder(), 'file');
    await writeFile(file, 'x');

    expect(await codeOf(new LocalContentStore({ directory: file }).put(bytesOf('x'), MANY))).toBe(
      'StorageUnavailable',
    );
  });

  it('sweeps what a killed process left, but not what another one is writing', async () => {
    const directory = temporaryFolder();
    await mkdir(join(directory, 'tmp'));
    await writeFile(join(directory, 'tmp/old'), 'half');
    await utimes(join(directory, 'tmp/old'), 1, 1);
    await writeFile(join(directory, 'tmp/young'), 'half');

    const { sha256 } = await new LocalContentStore({ directory }).put(bytesOf('x'), MANY);

    expect(await readdir(join(directory, 'tmp'))).toEqual(['young']);
    expect(await readFile(pathOf(directory, sha256), 'utf8')).toBe('x');
  });
});
