import { type ConformanceOptions, type ConformanceReport, checkAdapter } from 'modelfn/conformance';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelAdapterClass } from '../../adapters/model-adapter.ts';
import { CHECKS } from '../../conformance/checks.ts';

/** Every promise of `adapters/model-adapter.ts`, by the kit that users have: a test a check. */
export function adapterContract(
  name: string,
  load: () => Promise<ModelAdapterClass>,
  open: () => Promise<ConformanceOptions> = async () => ({}),
): void {
  describe(`adapter contract: ${name}`, () => {
    let report: ConformanceReport;

    beforeAll(async () => {
      report = await checkAdapter(await load(), await open());
    });

    it.for([...CHECKS])('$name', ({ id }, { skip }) => {
      const { outcome, reason } = report.checks.find((result) => result.id === id)!;

      skip(outcome === 'skipped', reason ?? undefined);
      expect(reason).toBeNull();
    });
  });
}
