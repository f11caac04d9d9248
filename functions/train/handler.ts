import { builtInAdapters } from '../../adapters/registry.ts';
import { createHandler } from '../../shared/invoke/handler.ts';
import { trainFunction } from './train.ts';

export const handler = createHandler(trainFunction, builtInAdapters);
