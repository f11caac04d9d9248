import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { type InputProblem, InvalidInput } from './errors.ts';

// zod/mini carries no messages of its own; without a locale every problem reads "Invalid input".
z.config(en());

/**
 * Parses a value from outside. `what` names it in the error ("snapshot", "body of POST /models").
 * @throws InvalidInput with one problem a field.
 */
export function parse<S extends z.core.$ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const result = safeParse(schema, value, what);
  if (result.success) return result.data;
  throw new InvalidInput(what, result.error.issues.map(toProblem));
}

/** A value nested without end fills the stack: that is the sender's fault, not ours. */
function safeParse<S extends z.core.$ZodType>(schema: S, value: unknown, what: string) {
  try {
    return z.safeParse(schema, value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InvalidInput(what, [{ field: '', problem: 'it is nested too deeply' }], error);
  }
}

function toProblem(issue: z.core.$ZodIssue): InputProblem {
  return { field: issue.path.map(String).join('.'), problem: issue.message };
}
