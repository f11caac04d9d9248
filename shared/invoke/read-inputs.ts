import type { Actor } from '../auth/actor.ts';
import { type InputProblem, InvalidInput } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { nearest } from '../nearest.ts';
import type { EntityCache } from '../resolve/entity-cache.ts';
import type { ReferenceKind } from '../resolve/reference.ts';
import { Resolver, type Wanted } from '../resolve/resolver.ts';
import type { EntityStore } from '../store/entity-store.ts';
import type { InputSpec, InputSpecs, Inputs, PlainType } from './function-spec.ts';

const PLAIN: Readonly<Record<PlainType, (value: Json) => boolean>> = {
  String: (value) => typeof value === 'string',
  Number: (value) => typeof value === 'number',
  Integer: (value) => Number.isSafeInteger(value),
  Boolean: (value) => typeof value === 'boolean',
  Json: () => true,
};

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
  const problems = unknownInputs(specs, raw);
  const inputs: Record<string, unknown> = {};
  const wanted: Wanted[] = [];
  for (const [field, spec] of Object.entries(specs)) {
    const value = raw[field] ?? spec.default;
    if (value === undefined) {
      if (spec.required) problems.push({ field, problem: `is missing; ${spec.description}` });
    } else if (isPlain(spec)) {
      const problem = problemOf(spec, value);
      if (problem) problems.push({ field, problem });
      else inputs[field] = value;
    } else {
      const many = spec.type.endsWith('[]');
      wanted.push({ kind: (many ? spec.type.slice(0, -2) : spec.type) as ReferenceKind, value, field, many });
    }
  }
  if (problems.length > 0) throw new InvalidInput(`input of ${functionName}`, problems);
  const { entities, projectId } = await new Resolver(from).resolve(wanted);
  for (const [index, { field, many }] of wanted.entries())
    inputs[field] = many ? entities[index] : entities[index]![0];
  return { inputs: inputs as Inputs<S>, projectId };
}

function unknownInputs(specs: InputSpecs, raw: JsonObject): InputProblem[] {
  const known = Object.keys(specs);
  return Object.keys(raw)
    .filter((field) => !known.includes(field))
    .map((field) => ({
      field,
      problem: `is no input of this function; the nearest is ${nearest(field, known)}`,
    }));
}

function isPlain(spec: InputSpec): spec is InputSpec & { type: PlainType } {
  return spec.type in PLAIN;
}

function problemOf(spec: InputSpec & { type: PlainType }, value: Json): string | undefined {
  if (!PLAIN[spec.type](value))
    return `is to be of type ${spec.type}, not ${JSON.stringify(value)?.slice(0, 60)}`;
  if (spec.oneOf && !spec.oneOf.includes(value as string)) return `is to be one of ${spec.oneOf.join(', ')}`;
  if (spec.least !== undefined && (value as number) < spec.least) return `is to be ${spec.least} or more`;
  if (spec.most !== undefined && (value as number) > spec.most) return `is to be ${spec.most} or less`;
  return undefined;
}
