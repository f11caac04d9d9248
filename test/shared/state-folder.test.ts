import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadFunction } from '../../functions/load/load.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { readConfig } from '../../shared/config.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { runInPlace } from '../support/run-function.ts';
import { openPath } from '../support/test-platform.ts';
import { openTinyWorkspace } from '../support/tiny-workspace.ts';
import { temporaryFolder } from './content/temporary-folder.ts';

const umask = process.umask();
afterEach(() => {
  process.umask(umask);
});

/** Files below a folder that their group or other users can open, folders aside. */
async function openToOthers(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isDirectory() && ((await lstat(path)).mode & 0o077) !== 0) found.push(path);
  }
  return found;
}

describe('the state folder', () => {
  it('is open to its owner alone, and so is every file that a training and a load leave in it', async () => {
    process.umask(0o022);
    const space = await openTinyWorkspace();
    await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
    await runInPlace(space.container, loadFunction, { snapshot: space.snapshot.id });
    const { home } = space.platform.config;

    expect(((await lstat(home)).mode & 0o777).toString(8)).toBe('700');
    expect((await readdir(home, { recursive: true })).length).toBeGreaterThan(8);
    expect(await openToOthers(home)).toEqual([]);
    await space.platform.close();
  });

  it('of an earlier release loses the rights of other users when it is opened, and so does the store', async () => {
    process.umask(0o022);
    const home = join(temporaryFolder(), 'home');
    const config = readConfig({ MODELFN_HOME: home, MODELFN_LOG_LEVEL: 'silent' });
    await (await openPlatform(config)).close();
    await chmod(home, 0o755);
    await chmod(join(home, 'store.sqlite'), 0o644);

    const again = await openPlatform(config);

    expect(((await lstat(home)).mode & 0o777).toString(8)).toBe('700');
    expect(await openToOthers(home)).toEqual([]);
    await again.close();
  });

  it('keeps to itself: a bucket in a folder that was named gets the rights its user gives files', async () => {
    process.umask(0o022);
    const space = await openTinyWorkspace();
    const localPath = openPath(space.platform, 'weights');

    const bucket = await space.platform.openBucket(space.snapshot, { type: 'local', localPath });
    await bucket.write('model.bin', Buffer.from('w'));

    expect(((await lstat(join(localPath, 'model.bin'))).mode & 0o777).toString(8)).toBe('644');
    await space.platform.close();
  });
});
