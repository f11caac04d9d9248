import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { type InputProblem, InvalidInput } from './errors.ts';
import { assertJsonLimits } from './json-limits.ts';

// zod/mini carries no messages of its own; without a locale every problem reads "Invalid input".
z.config(en());

/**
 * Parses a value from outside. `what` names it in the error ("snapshot", "body of POST /models").
 * @throws InvalidInput with one problem per field; JsonLimitExceeded for a value that is too deep or has too many parts
 */
export function parse<S extends z.core.$ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  assertJsonLimits(value, what);
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  throw new InvalidInput(what, result.error.issues.map(toProblem));
}

function toProblem(issue: z.core.$ZodIssue): InputProblem {
  return { field: issue.path.map(String).join('.'), problem: issue.message };
}
