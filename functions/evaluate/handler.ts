import { builtInAdapters } from '../../adapters/registry.ts';
import { createHandler } from '../../shared/invoke/handler.ts';
import { evaluateFunction } from './evaluate.ts';

export const handler = createHandler(evaluateFunction, builtInAdapters);
