import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAllowedPath } from '../../../shared/content/local-roots.ts';
import { localRootsOf } from '../../../shared/state-folder.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** `<root>/open` is allowed and holds the state folder, a store of its own, and a link to the state folder. */
async function openRoots() {
  const root = temporaryFolder();
  for (const name of ['open/state/contents', 'open/db', 'open/code', 'closed'])
    await mkdir(join(root, name), { recursive: true });
  await symlink('state/contents', join(root, 'open/link'));
  const roots = localRootsOf({
    home: join(root, 'open/state'),
    localRoots: [join(root, 'open')],
    store: `sqlite:${join(root, 'open/db/store.sqlite')}`,
  });
  return { root, isAllowed: (path: string) => isAllowedPath(join(root, path), roots) };
}

describe('folders that specs and calls may name', () => {
  it('a folder below an allowed one is allowed, whether it exists or not', async () => {
    const { isAllowed } = await openRoots();

    expect(await isAllowed('open/code')).toBe(true);
    expect(await isAllowed('open/code/new/deep')).toBe(true);
  });

  it.each([
    ['the state folder', 'open/state'],
    ['a folder in the state folder', 'open/state/contents'],
    ['a path in the state folder that does not exist', 'open/state/contents/ab/cd'],
    ['a link into the state folder', 'open/link'],
    ['an allowed folder that contains the state folder', 'open'],
    ["the store's file", 'open/db/store.sqlite'],
    ["the folder of the store's file", 'open/db'],
    ['a folder outside the allowed ones', 'closed'],
    ['a path that climbs into the state folder', 'open/code/../state'],
  ])('%s is not allowed', async (_name, path) => {
    const { isAllowed } = await openRoots();

    expect(await isAllowed(path)).toBe(false);
  });
});
