import { defineConfig } from 'vitest/config';

export default defineConfig({
  // All cores: one is left free otherwise, which on a machine of two leaves the other one to do it all.
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: '100%',
  },
});
