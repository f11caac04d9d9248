import { builtInAdapters } from '../../adapters/registry.ts';
import { createHandler } from '../../shared/invoke/handler.ts';
import { predictFunction } from './predict.ts';

export const handler = createHandler(predictFunction, builtInAdapters);
