import type { AdapterEnvironment } from '../../../shared/entities/adapter-environment.ts';
import type { JsonObject } from '../../../shared/json.ts';
import type { CliIo } from '../../io.ts';
import { jsonObjectOption } from '../../options.ts';

export interface EnvironmentOptions {
  python?: string;
  environment?: string;
}

/**
 * The environment that the options give a model: `--environment` replaces the present one, `--python` changes its version
 * of Python alone. `undefined` when neither is given. The catalog checks it. @throws WrongUsage
 */
export async function environmentOption(
  io: CliIo,
  { python, environment }: EnvironmentOptions,
  present: AdapterEnvironment | undefined,
): Promise<JsonObject | undefined> {
  const given = await jsonObjectOption(io, '--environment', environment);
  if (python === undefined) return given;
  return { ...((given ?? present) as JsonObject | undefined), python };
}
