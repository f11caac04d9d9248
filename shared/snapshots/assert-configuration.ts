import type { ModelAdapterClass } from '../../adapters/model-adapter.ts';
import { InvalidInput } from '../errors.ts';
import type { JsonObject } from '../json.ts';

/** Checks a configuration by the class of its adapter, where it has a check. @throws InvalidInput with every problem */
export function assertConfiguration(
  adapterClass: Pick<ModelAdapterClass, 'checkConfiguration'>,
  what: string,
  configuration: Readonly<JsonObject>,
  labels?: readonly string[],
): void {
  const problems = adapterClass.checkConfiguration?.(configuration, labels) ?? [];
  if (problems.length > 0)
    throw new InvalidInput(
      what,
      problems.map(({ field, problem }) => ({ field, problem })),
    );
}
