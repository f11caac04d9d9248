import { BUILT_IN } from '../../../adapters/registry.ts';
import type { Answer } from '../../command.ts';
import { table } from '../../output/table.ts';

/** The adapters that come with modelfn, with the defaults of their configuration. */
export async function list(): Promise<Answer> {
  const adapters = await Promise.all(
    Object.entries(BUILT_IN).map(async ([entryPoint, { className, description, load }]) => {
      const { inputType, outputType, defaults } = await load();
      const name = entryPoint.replace(/^modelfn\//, '');
      return { name, entryPoint, className, description, inputType, outputType, defaults };
    }),
  );
  const rows = adapters.map((each) => [each.name, each.inputType, each.outputType, each.description]);
  return {
    json: structuredClone(adapters),
    text: `${table(['NAME', 'INPUT', 'OUTPUT', 'WHAT'], rows)}\nUse one with: modelfn models create <name> --project <project> --adapter <adapter>`,
  };
}
