import { beforeEach, describe } from 'vitest';

/** Tests that need something of the machine; `problem` says why they cannot run here, and each is skipped with it. */
export function describeUnless(problem: string | undefined, name: string, tests: () => void): void {
  describe(name, () => {
    beforeEach(({ skip }) => {
      if (problem !== undefined) skip(problem);
    });
    tests();
  });
}
