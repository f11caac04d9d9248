import { mkdir, open, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { LocalContentStore } from '../../../shared/content/local-content-store.ts';
import { bytesOf, codeOf } from '../../contracts/bucket.contract.ts';
import { chunks } from '../../contracts/content.contract.ts';
import { temporaryFolder } from './temporary-folder.ts';

const MANY = 1 << 20;

function pathOf(directory: string, sha256: string): string {
  return join(directory, sha256.slice(0, 2), sha256);
}

describe('the content store', () => {
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
