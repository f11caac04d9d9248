import { builtInAdapters } from '../../adapters/registry.ts';
import { createHandler } from '../../shared/invoke/handler.ts';
import { serviceFunction } from './service.ts';

export const handler = createHandler(serviceFunction, builtInAdapters);
