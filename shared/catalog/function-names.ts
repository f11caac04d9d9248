import { nearest } from '../nearest.ts';
import { UnknownFunction } from './model-errors.ts';

/** The functions that triggers and callers by id can call. */
export const FUNCTION_NAMES = ['train', 'predict', 'load', 'save', 'convert', 'evaluate'] as const;

/** `field`: where the name was given. @throws UnknownFunction */
export function assertFunction(functionName: string, field: string): void {
  if (FUNCTION_NAMES.some((known) => known === functionName)) return;
  throw new UnknownFunction(
    { field, functionName },
    FUNCTION_NAMES,
    nearest(functionName.slice(0, 100), FUNCTION_NAMES),
  );
}
