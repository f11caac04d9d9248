import type { Reporter, TestModule } from 'vitest/node';

/** Says at the end of a run which tests were skipped, and why: the default reporter tells their number. */
export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const byReason = new Map<string, string[]>();
    for (const module of modules)
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const reason = (result.state === 'skipped' && result.note) || 'no reason given';
        byReason.set(reason, [
          ...(byReason.get(reason) ?? []),
          `${module.relativeModuleId}: ${test.fullName}`,
        ]);
      }
    for (const [reason, tests] of byReason) {
      process.stdout.write(`skipped, ${reason} (${tests.length}):\n`);
      for (const test of tests) process.stdout.write(`  ${test}\n`);
    }
  }
}
