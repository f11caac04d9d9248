import type { ModelAdapterClass } from '../../../adapters/model-adapter.ts';
import { BUILT_IN, builtInAdapters } from '../../../adapters/registry.ts';
import type { CheckResult } from '../../../conformance/check.ts';
import { checkAdapter } from '../../../conformance/check-adapter.ts';
import { folderData } from '../../../conformance/data/folder-data.ts';
import type { Answer } from '../../command.ts';
import type { Desk } from '../../desk.ts';
import { EXIT_CODES } from '../../exit-codes.ts';
import { jsonObjectOption } from '../../options.ts';
import { progressBar } from '../../output/progress-bar.ts';
import { visible } from '../../output/table.ts';
import { countText, durationText, sizeText } from '../../output/units.ts';
import { readAdapter } from '../../read-adapter.ts';

interface CheckOptions {
  class?: string;
  entryPoint?: string;
  configuration?: string;
  data?: string;
  weights?: string;
  parent?: string;
  seed?: number;
}

/** The adapter that was named. */
interface Found {
  className: string;
  adapterClass: ModelAdapterClass;
  /** Of the code; `null` for a built-in one. */
  sizeBytes: number | null;
}

/** Runs the conformance kit on an adapter. What fails is listed with its reason and ends in exit code 5. */
export async function check(desk: Desk, adapter: string, options: CheckOptions): Promise<Answer> {
  const { io, mode } = desk;
  const configuration = (await jsonObjectOption(io, '--configuration', options.configuration)) ?? {};
  const data = options.data === undefined ? undefined : await folderData(desk.path(options.data));
  const bar = progressBar(io, 'check', mode.json);
  bar.update(0, `reading ${adapter}; packages may have to be installed`);
  const { className, adapterClass, sizeBytes } = await find(desk, adapter, options).catch(
    (error: unknown) => {
      bar.end();
      throw error;
    },
  );
  const started = performance.now();
  const { passed, seed, checks } = await checkAdapter(adapterClass, {
    configuration,
    ...(data && { data }),
    ...(options.weights !== undefined && { weights: desk.path(options.weights) }),
    ...(options.parent !== undefined && { parent: desk.path(options.parent) }),
    ...(options.seed !== undefined && { seed: options.seed }),
    signal: io.interrupted,
    onCheck: ({ name }, index, count) => bar.update(index / count, name),
  }).finally(() => bar.end());
  const took = durationText(performance.now() - started);
  return {
    json: { className, sizeBytes, seed, passed, checks: checks.map((each) => ({ ...each })) },
    text: [
      sizeBytes === null ? `${className}, built in` : `${className}, ${sizeText(sizeBytes)}`,
      ...checks.map(checkLine),
      `${verdict(className, checks)} It took ${took}.`,
      ...(passed && sizeBytes !== null
        ? [`Push it with: modelfn models push <model> ${adapter} --project <project>`]
        : []),
    ].join('\n'),
    ...(!passed && { exitCode: EXIT_CODES.refused }),
  };
}

/** A built-in adapter by its entry point `modelfn/<name>`, or the class of a file or folder. */
async function find(desk: Desk, adapter: string, options: CheckOptions): Promise<Found> {
  const choice = { className: options.class, entryPoint: options.entryPoint };
  if (!adapter.startsWith('modelfn/')) return readAdapter(desk, desk.path(adapter), choice);
  const adapterClass = await builtInAdapters.load(adapter);
  return { className: BUILT_IN[adapter]!.className, adapterClass, sizeBytes: null };
}

function verdict(className: string, checks: readonly CheckResult[]): string {
  const count = (outcome: CheckResult['outcome']) => checks.filter((each) => each.outcome === outcome).length;
  const skipped = count('skipped') > 0 ? `; ${count('skipped')} not run` : '';
  return count('failed') === 0
    ? `${className} passes ${countText(count('passed'), 'check')}${skipped}.`
    : `${className} fails ${count('failed')} of ${countText(checks.length, 'check')}${skipped}.`;
}

const MARKS: Readonly<Record<CheckResult['outcome'], string>> = {
  passed: 'ok  ',
  failed: 'FAIL',
  skipped: '-   ',
};

function checkLine({ name, outcome, reason }: CheckResult): string {
  return `  ${MARKS[outcome]} ${name}${reason === null ? '' : `: ${visible(reason)}`}`;
}
