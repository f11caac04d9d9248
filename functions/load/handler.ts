import { builtInAdapters } from '../../adapters/registry.ts';
import { createHandler } from '../../shared/invoke/handler.ts';
import { loadFunction } from './load.ts';

export const handler = createHandler(loadFunction, builtInAdapters);
