import { builtInAdapters } from '../../adapters/registry.ts';
import { createHandler } from '../../shared/invoke/handler.ts';
import { convertFunction } from './convert.ts';

export const handler = createHandler(convertFunction, builtInAdapters);
