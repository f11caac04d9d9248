import { BUILT_IN, builtInAdapters } from '../../../adapters/registry.ts';

/** What a model of a built-in adapter is made with. @throws BuiltInUnknown */
export async function builtInFields(adapter: string): Promise<{
  entryPoint: string;
  className: string;
  inputType: string | null;
  outputType: string | null;
}> {
  const entryPoint = adapter.startsWith('modelfn/') ? adapter : `modelfn/${adapter}`;
  const { inputType, outputType } = await builtInAdapters.load(entryPoint);
  return { entryPoint, className: BUILT_IN[entryPoint]!.className, inputType, outputType };
}
