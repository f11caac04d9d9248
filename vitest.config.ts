import { configDefaults, defineConfig } from 'vitest/config';
import { testReporters } from './test/support/test-reporters.ts';

/** Kills, faults over time, fuzzing, growth, the built package and real installations. They run with `npm run test:slow`. */
const SLOW = ['test/**/*.slow.test.ts'];

/** Files that start processes, change process-wide state, or read the process's own output. */
const ALONE = [
  'test/e2e/**/*.test.ts',
  'test/shared/invoke/run-log.test.ts',
  'test/functions/service/calls.test.ts',
];

/** `npm test` runs the projects `together` and `alone`; `npm run test:slow` runs `slow`. */
export default defineConfig({
  // Use all cores: vitest otherwise leaves one free, which halves the speed on two cores.
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: '100%',
    // A condition that comes true is not a question of speed: the default of one second fails on a busy machine.
    expect: { poll: { timeout: 25_000 } },
    reporters: testReporters,
    globalSetup: 'test/support/memory-folder.ts',
    projects: [
      // Without isolation, modules are evaluated once per worker instead of once per file: a third of the time.
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...SLOW, ...ALONE],
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, exclude: [...configDefaults.exclude, ...SLOW] },
      },
      { extends: true, test: { name: 'slow', include: SLOW, testTimeout: 180_000, hookTimeout: 180_000 } },
    ],
  },
});
