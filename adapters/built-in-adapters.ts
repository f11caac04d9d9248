import type { ModelAdapterClass } from './model-adapter.ts';

/** The adapters that come with modelfn, as the invocation layer sees them: no concrete one is known there. */
export interface BuiltInAdapters {
  /** True for an entry point `modelfn/<name>`. */
  has(entryPoint: string): boolean;
  /** @throws when there is no such adapter; the error lists those there are. */
  load(entryPoint: string): Promise<ModelAdapterClass>;
}
