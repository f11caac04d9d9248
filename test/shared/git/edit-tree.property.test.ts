import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { editTree } from '../../../shared/git/edit-tree.ts';
import { GIT_LIMITS } from '../../../shared/git/limits.ts';
import { ObjectDatabase } from '../../../shared/git/object-database.ts';
import { treeFiles } from '../../../shared/git/tree-files.ts';
import { GIT_MISSING } from '../../support/git-program.ts';
import { TestRepository } from '../../support/git-repository.ts';

/** Few names, so that files and folders meet; one that sorts elsewhere as bytes than as UTF-16. */
const name = fc.constantFrom('a', 'a.b', 'a-b', 'B', '\u{1f98a}', '\uff21');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const changes = fc.uniqueArray(fc.tuple(path, fc.constantFrom('one', 'two', undefined)), {
  minLength: 1,
  maxLength: 6,
  selector: ([key]) => key,
});

beforeEach(({ skip }) => {
  if (GIT_MISSING !== undefined) skip(GIT_MISSING);
});

it('a tree edited many times is what the same edits make of a list of files, and sound to git', async () => {
  const repository = await TestRepository.make();
  const objects = new ObjectDatabase(repository.folder, GIT_LIMITS);
  const blobs = new Map<string, string>();
  for (const text of ['one', 'two'])
    blobs.set(text, await objects.add({ type: 'blob', bytes: Buffer.from(text) }));
  const roots = new Set<string>();

  await fc.assert(
    fc.asyncProperty(fc.array(changes, { maxLength: 4 }), async (edits) => {
      let tree: string | undefined;
      let model = new Map<string, string>();
      for (const edit of edits) {
        const next = new Map(model);
        for (const [key, text] of edit)
          if (text === undefined) next.delete(key);
          else next.set(key, blobs.get(text)!);
        const wanted = new Map(
          edit.map(([key, text]) => [key, text === undefined ? undefined : blobs.get(text)!]),
        );
        const keys = [...next.keys()];
        if (keys.some((key) => keys.some((other) => other.startsWith(`${key}/`)))) {
          await expect(editTree(objects, tree, wanted)).rejects.toMatchObject({ code: 'GitContentRefused' });
          continue;
        }
        tree = (await editTree(objects, tree, wanted))?.tree;
        model = next;
      }
      if (tree !== undefined) roots.add(tree);
      const files =
        tree === undefined
          ? []
          : await treeFiles(objects, tree, { root: tree, maxFiles: 100, asFolder: false });
      expect(new Map(files.map((file) => [file.path, file.oid]))).toEqual(model);
    }),
    { numRuns: 150 },
  );

  for (const root of roots) await repository.commitTree(root);
  expect(await repository.git('fsck', '--strict', '--full', '--no-dangling')).toBe('');
});
