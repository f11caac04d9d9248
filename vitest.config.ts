import { defineConfig } from 'vitest/config';
import { testReporters } from './test/support/test-reporters.ts';

/** Files that start processes, change what a process has of its own, or look at how it says something. */
const ALONE = [
  'test/e2e/**/*.test.ts',
  'test/package/**/*.test.ts',
  'test/shared/invoke/run-log.test.ts',
  'test/functions/service/calls.test.ts',
];

export default defineConfig({
  // All cores: one is left free otherwise, which on a machine of two leaves the other one to do it all.
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: '100%',
    reporters: testReporters,
    globalSetup: 'test/support/memory-folder.ts',
    projects: [
      // Modules are read once a worker, not once a file: of some two hundred files that is a third of all the work.
      {
        extends: true,
        test: { name: 'together', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
  },
});
