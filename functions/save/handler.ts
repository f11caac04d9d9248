import { builtInAdapters } from '../../adapters/registry.ts';
import { createHandler } from '../../shared/invoke/handler.ts';
import { saveFunction } from './save.ts';

export const handler = createHandler(saveFunction, builtInAdapters);
