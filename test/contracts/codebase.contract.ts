import { describe, expect, it } from 'vitest';
import type { Codebase } from '../../shared/codebases/codebase.ts';
import { type Code, codeIn } from '../shared/codebases/code-in.ts';

/** Every promise of `codebases/codebase.ts`. `open` makes a codebase that holds this code; called twice for the same code, two of them. */
export function codebaseContract(name: string, open: (code: Code) => Promise<Codebase>): void {
  const CODE = { 'adapter.ts': 'export class A {}', 'lib/one.ts': '1', 'lib/deep/two.ts': '2' };

  describe(`codebase contract: ${name}`, () => {
    it('checks out its files', async () => {
      const { directory } = await (await open(CODE)).checkout();

      expect(await codeIn(directory)).toEqual(CODE);
    });

    it('gives the same digest for the same code, wherever it lies', async () => {
      const one = await (await open(CODE)).checkout();
      const two = await (await open(CODE)).checkout();

      expect(one.digest).toMatch(/^[0-9a-f]{40}([0-9a-f]{24})?$/);
      expect(two.digest).toBe(one.digest);
    });

    it.each<[string, Code]>([
      ['a changed byte', { ...CODE, 'lib/one.ts': '!' }],
      ['a renamed file', { 'adapter.ts': CODE['adapter.ts'], 'lib/1.ts': '1', 'lib/deep/two.ts': '2' }],
      ['one file more', { ...CODE, 'more.ts': '' }],
      ['bytes moved from one file to the next', { ...CODE, 'lib/one.ts': '', 'lib/deep/two.ts': '12' }],
    ])('gives another digest for %s', async (_what, changed) => {
      const { digest } = await (await open(CODE)).checkout();

      expect((await (await open(changed)).checkout()).digest).not.toBe(digest);
    });

    it('may be checked out often and at once', async () => {
      const codebase = await open(CODE);

      const checkouts = await Promise.all(Array.from({ length: 8 }, () => codebase.checkout()));

      expect(new Set(checkouts.map(({ digest }) => digest)).size).toBe(1);
      for (const { directory } of checkouts) expect(await codeIn(directory)).toEqual(CODE);
    });

    it('stops with the signal', async () => {
      const reason = new Error('enough');

      await expect((await open(CODE)).checkout(AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
}
