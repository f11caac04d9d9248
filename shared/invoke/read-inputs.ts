import type { Actor } from '../auth/actor.ts';
import { type InputProblem, InvalidInput } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { nearest } from '../nearest.ts';
import type { EntityCache } from '../resolve/entity-cache.ts';
import type { ReferenceKind } from '../resolve/reference.ts';
import { Resolver, type Wanted } from '../resolve/resolver.ts';
import type { EntityStore } from '../store/entity-store.ts';
import type { InputSpec, InputSpecs, Inputs, InputType, PlainType } from './function-spec.ts';

const PLAIN: Readonly<Record<PlainType, (value: Json) => boolean>> = {
  String: (value) => typeof value === 'string',
  Number: (value) => typeof value === 'number',
  Integer: (value) => Number.isSafeInteger(value),
  Float: (value) => typeof value === 'number',
  Boolean: (value) => typeof value === 'boolean',
  Json: () => true,
};

/** Whether a value is of a plain type, or a list of such values. */
export function isOfPlainType(type: PlainType | `${PlainType}[]`, value: Json): boolean {
  const is = PLAIN[listed(type) as PlainType];
  return type.endsWith('[]') ? Array.isArray(value) && value.every(is) : is(value);
}

/**
 * Checks the raw inputs of a call against the function's specification and puts entities in place of references.
 * Nulls count as not given, as the platform sends them.
 * @throws InvalidInput with every problem at once, and what `Resolver.resolve` throws.
 */
export async function readInputs<S extends InputSpecs>(
  functionName: string,
  specs: S,
  raw: JsonObject,
  from: { store: EntityStore; cache: EntityCache; actor: Actor; projectId?: string | undefined },
): Promise<{ inputs: Inputs<S>; projectId: string | undefined }> {
  const problems = problemsOf(specs, raw);
  if (problems.length > 0) throw new InvalidInput(`input of ${functionName}`, problems);
  const inputs: Record<string, unknown> = {};
  const wanted: Wanted[] = [];
  for (const [field, spec] of Object.entries(specs)) {
    const value = raw[field] ?? spec.default;
    if (value === undefined) continue;
    if (isPlain(spec)) inputs[field] = value;
    else {
      const many = spec.type.endsWith('[]');
      wanted.push({ kind: (many ? spec.type.slice(0, -2) : spec.type) as ReferenceKind, value, field, many });
    }
  }
  const { entities, projectId } = await new Resolver(from).resolve(wanted);
  for (const [index, { field, many }] of wanted.entries())
    inputs[field] = many ? entities[index] : entities[index]![0];
  return { inputs: inputs as Inputs<S>, projectId };
}

/** The same checks without reading anything: what a call is told before its run. @throws InvalidInput */
export function assertInputs(what: string, specs: InputSpecs, raw: JsonObject): void {
  const problems = problemsOf(specs, raw);
  if (problems.length > 0) throw new InvalidInput(what, problems);
}

/** Unknown inputs, missing ones, and plain values of another type. */
function problemsOf(specs: InputSpecs, raw: JsonObject): InputProblem[] {
  const problems = unknownInputs(specs, raw);
  for (const [field, spec] of Object.entries(specs)) {
    const value = raw[field] ?? spec.default;
    if (value === undefined) {
      if (spec.required) problems.push({ field, problem: `is missing; ${spec.description}` });
    } else if (isPlain(spec)) {
      const problem = problemOf(spec, value);
      if (problem) problems.push({ field, problem });
    }
  }
  return problems;
}

function unknownInputs(specs: InputSpecs, raw: JsonObject): InputProblem[] {
  const known = Object.keys(specs);
  return Object.keys(raw)
    .filter((field) => !known.includes(field))
    .map((field) => ({
      field,
      problem: `is no input of this function; the nearest is ${nearest(field.slice(0, 100), known) ?? 'none, it takes none'}`,
    }));
}

function isPlain(spec: InputSpec): boolean {
  return listed(spec.type) in PLAIN;
}

/** The type of a list's members, or the type itself. */
function listed(type: InputType): string {
  return type.endsWith('[]') ? type.slice(0, -2) : type;
}

function problemOf(spec: InputSpec, value: Json): string | undefined {
  if (!isOfPlainType(spec.type as PlainType | `${PlainType}[]`, value))
    return `is to be of type ${spec.type}, not ${JSON.stringify(value)?.slice(0, 60)}`;
  if (spec.oneOf && !spec.oneOf.includes(value as string)) return `is to be one of ${spec.oneOf.join(', ')}`;
  if (spec.least !== undefined && (value as number) < spec.least) return `is to be ${spec.least} or more`;
  if (spec.most !== undefined && (value as number) > spec.most) return `is to be ${spec.most} or less`;
  return undefined;
}
