import type { ModelAdapterClass } from '../../../adapters/model-adapter.ts';
import { isModelAdapter } from '../../../adapters/model-adapter.ts';
import { messageOf } from '../../../shared/errors.ts';
import { deepFreeze, type JsonObject, mergePatch } from '../../../shared/json.ts';
import { bundleAdapter } from '../../bundle-adapter.ts';
import type { Answer } from '../../command.ts';
import type { Desk } from '../../desk.ts';
import { EXIT_CODES } from '../../exit-codes.ts';
import { jsonObjectOption } from '../../options.ts';
import { visible } from '../../output/table.ts';
import { countText, sizeText } from '../../output/units.ts';

/** One thing an adapter is to keep to, and whether it does. */
interface Check {
  name: string;
  passed: boolean;
  /** What was found, when it failed. */
  reason: string | null;
}

const LABELS = ['first', 'second'];

/** Bundles an adapter and checks it. What fails is listed with its reason and ends in exit code 5. */
export async function check(
  desk: Desk,
  path: string,
  options: { class?: string; configuration?: string },
): Promise<Answer> {
  const configuration = (await jsonObjectOption(desk.io, '--configuration', options.configuration)) ?? {};
  const { className, adapterClass, sizeBytes } = await bundleAdapter(desk.path(path), options.class);
  const checks = checkClass(adapterClass, configuration);
  const failed = checks.filter(({ passed }) => !passed);
  const verdict =
    failed.length === 0
      ? `${className} passes ${countText(checks.length, 'check')}. Push it with: modelfn models push <model> ${path} --project <project>`
      : `${className} fails ${failed.length} of ${countText(checks.length, 'check')}.`;
  return {
    json: { className, sizeBytes, passed: failed.length === 0, checks: checks.map((each) => ({ ...each })) },
    text: [`${className}, ${sizeText(sizeBytes)}`, ...checks.map(checkLine), verdict].join('\n'),
    ...(failed.length > 0 && { exitCode: EXIT_CODES.refused }),
  };
}

/** What can be told of a class without data. */
function checkClass(adapterClass: ModelAdapterClass, given: JsonObject): Check[] {
  const configuration = deepFreeze(
    mergePatch(structuredClone(adapterClass.defaults ?? {}) as JsonObject, given),
  );
  return [
    checked('it extends the ModelAdapter of modelfn', () => {
      if (!isModelAdapter(new adapterClass({ configuration, labels: LABELS })))
        throw new Error('its class extends something else; import ModelAdapter from "modelfn"');
    }),
    checked('it takes a frozen configuration and frozen labels', () => {
      new adapterClass(deepFreeze({ configuration, labels: [...LABELS] }));
    }),
    checked('its maxBatchSize is a whole number from 1', () => {
      const { maxBatchSize } = new adapterClass({ configuration, labels: LABELS });
      if (!Number.isSafeInteger(maxBatchSize) || maxBatchSize < 1) throw new Error(`it is ${maxBatchSize}`);
    }),
  ];
}

function checked(name: string, work: () => void): Check {
  try {
    work();
    return { name, passed: true, reason: null };
  } catch (error) {
    return { name, passed: false, reason: messageOf(error) };
  }
}

function checkLine({ name, passed, reason }: Check): string {
  return `  ${passed ? 'ok  ' : 'FAIL'} ${name}${reason === null ? '' : `: ${visible(reason)}`}`;
}
