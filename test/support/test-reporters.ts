import type { InlineConfig } from 'vitest/node';
import { SkipReporter } from './skip-reporter.ts';

/** Where a report for programs goes as JSON; none when missing. */
const REPORT = process.env.TEST_REPORT;

export const testReporters: NonNullable<InlineConfig['reporters']> = [
  'default',
  new SkipReporter(),
  ...(REPORT ? [['json', { outputFile: REPORT }] satisfies ['json', object]] : []),
];
