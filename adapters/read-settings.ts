import * as z from 'zod/mini';
import { type InputProblem, InvalidInput } from '../shared/errors.ts';
import type { JsonObject } from '../shared/json.ts';
import { nearest } from '../shared/nearest.ts';
import '../shared/parse.ts';

/** Schema of a configuration. */
export interface SettingsForm<S extends z.core.$ZodType> {
  schema: S;
  /** One for each setting. */
  defaults: Readonly<JsonObject>;
}

/** Reads a configuration over its defaults. @throws InvalidInput with every problem, each with the path of its field */
export function readSettings<S extends z.core.$ZodType>(
  { schema, defaults }: SettingsForm<S>,
  configuration: Readonly<JsonObject>,
  what: string,
): z.output<S> {
  const result = z.safeParse(schema, { ...defaults, ...configuration });
  if (result.success) return result.data;
  throw new InvalidInput(what, problemsOf(schema, result.error.issues));
}

/** Problems of a configuration, each with the path of its field; empty when there is none. */
export function findSettingsProblems(
  { schema, defaults }: SettingsForm<z.core.$ZodType>,
  configuration: Readonly<JsonObject>,
): InputProblem[] {
  const result = z.safeParse(schema, { ...defaults, ...configuration });
  return result.success ? [] : problemsOf(schema, result.error.issues);
}

/** Problems of settings that are keyed by label: an object whose keys, or whose values, must be labels of the snapshot. */
export function findUnknownLabels(
  setting: string,
  labelByField: readonly (readonly [field: string, label: string])[],
  labels: readonly string[] | undefined,
): InputProblem[] {
  // Labels may be given to a snapshot later. What runs checks again.
  if (labels === undefined || labels.length === 0) return [];
  return labelByField
    .filter(([, label]) => !labels.includes(label))
    .map(([field, label]) => ({
      field: `${setting}.${field}`,
      problem: `the snapshot has no label ${JSON.stringify(label)}; the nearest is ${JSON.stringify(nearest(label, labels))}`,
    }));
}

function problemsOf(schema: z.core.$ZodType, issues: readonly z.core.$ZodIssue[]): InputProblem[] {
  return issues.flatMap((issue): InputProblem[] => {
    const path = issue.path.map(String);
    if (issue.code !== 'unrecognized_keys')
      return [{ field: path.join('.'), problem: messageOfIssue(issue) }];
    const known = keysAt(schema, path);
    return issue.keys.map((key) => ({
      field: [...path, key].join('.'),
      problem: `there is no such setting; the nearest is ${nearest(key, known) ?? 'none'}`,
    }));
  });
}

function messageOfIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  if (issue.code !== 'invalid_union') return issue.message;
  const messages = issue.errors.flat().map(({ message }) => message);
  return [...new Set(messages)].join(', or ') || issue.message;
}

/** Names of the settings of the object at a path. */
function keysAt(schema: z.core.$ZodType, path: readonly string[]): string[] {
  let at: z.core.$ZodType | undefined = schema;
  for (const key of path) at = withoutWrapper(at) && childOf(withoutWrapper(at)!, key);
  const { def } = withoutWrapper(at)?._zod ?? {};
  return def?.type === 'object' ? Object.keys((def as z.core.$ZodObjectDef).shape) : [];
}

function childOf({ _zod: { def } }: z.core.$ZodType, key: string): z.core.$ZodType | undefined {
  if (def.type === 'object') return (def as z.core.$ZodObjectDef).shape[key];
  return def.type === 'array' ? (def as z.core.$ZodArrayDef).element : undefined;
}

function withoutWrapper(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  const def = schema?._zod.def;
  return def?.type === 'nullable' || def?.type === 'optional'
    ? withoutWrapper((def as z.core.$ZodNullableDef).innerType)
    : schema;
}
