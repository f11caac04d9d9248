import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { pushCodebase } from '../../shared/catalog/codebase-push.ts';
import { createItemBucket } from '../../shared/catalog/item-folder.ts';
import { createProject, listProjects } from '../../shared/catalog/projects.ts';
import { readConfig } from '../../shared/config.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import type { Platform } from '../../shared/platform.ts';
import { testClock } from '../support/test-platform.ts';

let parent: string;
const opened: Platform[] = [];
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'modelfn-open-'));
});
afterEach(async () => {
  for (const platform of opened.splice(0)) await platform.close();
  await rm(parent, { recursive: true, force: true });
});

const configOf = (home: string) =>
  readConfig({ MODELFN_HOME: home, MODELFN_LOG_LEVEL: 'silent', MODELFN_LOCAL_ROOTS: join(parent, 'extra') });

async function open(overrides: Partial<Platform> = {}): Promise<Platform> {
  const platform = await openPlatform(configOf(join(parent, 'home')), overrides);
  opened.push(platform);
  return platform;
}

const SNAPSHOT = { id: '61f8245d0f6f7a1100000040', projectId: 'p' };

describe('openPlatform', () => {
  it('makes the state folder with all that lies in it, and leaves nothing else there', async () => {
    await open();

    const names = await readdir(join(parent, 'home'));
    expect(names.filter((name) => !name.startsWith('store.sqlite-')).sort()).toEqual([
      'buckets',
      'cache',
      'contents',
      'store.sqlite',
    ]);
  });

  it('what was written is there when it is opened again', async () => {
    const first = await open();
    await createProject(first, LOCAL_ACTOR, { name: 'kept' });
    await first.close();
    await first.close();

    const second = await open();

    expect(await listProjects(second, LOCAL_ACTOR)).toMatchObject([{ name: 'kept' }]);
  });

  it('a snapshot’s own bucket is a folder by its id, apart from every other', async () => {
    const platform = await open();
    const bucket = await platform.openBucket(SNAPSHOT, { type: 'local' });
    await bucket.write('model.bin', Buffer.from('w'));

    const folder = join(parent, 'home', 'buckets', 'snapshots', SNAPSHOT.id);
    expect(await readdir(folder)).toContain('model.bin');
    const other = await platform.openBucket({ ...SNAPSHOT, id: '../../..' }, { type: 'local' });
    await other.write('escaped', Buffer.from('w'));
    const folders = await readdir(join(parent, 'home', 'buckets', 'snapshots'));
    expect(folders).toHaveLength(2);
  });

  it('local buckets lie in the state folder or the configured roots, nowhere else', async () => {
    const platform = await open();
    await mkdir(join(parent, 'extra'));

    const allowed = await platform.openBucket(SNAPSHOT, {
      type: 'local',
      localPath: join(parent, 'extra', 'b'),
    });

    expect(allowed.capabilities.canWrite).toBe(true);
    await expect(
      platform.openBucket(SNAPSHOT, { type: 'local', localPath: join(parent, 'elsewhere') }),
    ).rejects.toMatchObject({ code: 'BucketNotAllowed' });
  });

  it('opens item buckets and item codebases of the project that they are asked for, and of no other', async () => {
    const platform = await open();
    const { id: projectId } = await createProject(platform, LOCAL_ACTOR, { name: 'p' });
    const names = { projectId, modelName: 'm', snapshotName: 's' };
    const spec = await createItemBucket(platform, LOCAL_ACTOR, names);
    const archive = zipSync({ 'adapter.js': Buffer.from('export const a = 1;') });
    const { itemId } = await pushCodebase(platform, LOCAL_ACTOR, { projectId, name: 'c', archive });

    const bucket = await platform.openBucket({ ...SNAPSHOT, projectId }, spec);
    await bucket.write('k', Buffer.from('v'));
    const codebase = await platform.openCodebase({ type: 'item', itemId }, projectId);
    const { directory } = await codebase.checkout();

    expect(await bucket.stat('k')).toMatchObject({ sizeBytes: 1 });
    expect(await readdir(directory)).toEqual(['adapter.js']);
    await expect(platform.openBucket(SNAPSHOT, spec)).rejects.toMatchObject({ code: 'BucketNotFound' });
  });

  it('what is handed in is used in place of its own', async () => {
    const clock = testClock();

    const platform = await open({ clock });
    const project = await createProject(platform, LOCAL_ACTOR, { name: 'p' });

    expect(project.createdAt).toBe(new Date(clock.now()).toISOString());
  });

  it('a file where the state folder should be is a coded error that names the setting', async () => {
    await writeFile(join(parent, 'home'), 'a file');

    await expect(open()).rejects.toMatchObject({
      code: 'StateFolderUnusable',
      message: expect.stringContaining('MODELFN_HOME'),
    });
  });

  it.each(['/proc/modelfn', '/dev/null/state'])(
    '%s takes no writes, which is told at once and not at the first upload',
    async (home) => {
      await expect(openPlatform(configOf(home))).rejects.toMatchObject({ code: 'StateFolderUnusable' });
    },
  );
});
