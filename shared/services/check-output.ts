import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { jsonSchema } from '../entities/fields.ts';
import type { DeclaredOutput, PlainType } from '../entities/package.ts';
import { PLAIN_TYPES } from '../entities/package.ts';
import { isModelfnError } from '../errors.ts';
import { isOfPlainType } from '../invoke/read-inputs.ts';
import type { Container } from '../invoke/run.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { nearest } from '../nearest.ts';
import { idKeyOf, type ReferenceKind } from '../resolve/reference.ts';
import { Resolver, type Wanted } from '../resolve/resolver.ts';
import { OutputInvalid } from './errors.ts';

/**
 * What a function answered, as the record of its execution has it: plain values as they are, entities as references, which a
 * pipeline hands on. Every output that is declared has to be there, of its type; entities have to be of the project.
 * @throws OutputInvalid with every problem at once
 */
export async function checkOutput(
  { platform, entities }: Pick<Container, 'platform' | 'entities'>,
  functionName: string,
  declared: readonly DeclaredOutput[],
  answer: unknown,
  within: { actor: Actor; projectId: string },
): Promise<JsonObject> {
  if (answer !== undefined && answer !== null && !isJsonObject(answer))
    throw new OutputInvalid(functionName, [
      `it returned ${describe(answer)}; return an object with the outputs by name: ${declared.map(({ name }) => name).join(', ') || 'none'}`,
    ]);
  const given: Record<string, unknown> = answer ?? {};
  const problems = undeclared(declared, given);
  // In the order of the declaration, whatever is read first.
  const output: JsonObject = Object.fromEntries(declared.map(({ name }) => [name, null]));
  const wanted: (Wanted & { name: string })[] = [];
  for (const { name, type } of declared) {
    const value = given[name];
    if (value === undefined) problems.push(`${name} is missing`);
    else if (isPlain(type)) {
      const json = z.safeParse(jsonSchema, value);
      if (json.success && isOfPlainType(type, json.data)) output[name] = json.data;
      else if (!json.success && json.error.issues[0]?.code === 'custom')
        problems.push(`${name} ${json.error.issues[0].message}`);
      else problems.push(`${name} is to be of type ${type}, not ${describe(value)}`);
    } else {
      const many = type.endsWith('[]');
      const kind = (many ? type.slice(0, -2) : type) as ReferenceKind;
      const ids = many ? (Array.isArray(value) ? value.map(idOf) : [undefined]) : [idOf(value)];
      if (ids.includes(undefined))
        problems.push(
          `${name} is to be of type ${type}: return entities or their ids, not ${describe(value)}`,
        );
      else wanted.push({ name, kind, field: name, many: true, value: ids as Json[] });
    }
  }
  if (problems.length > 0) throw new OutputInvalid(functionName, problems);
  const found = await resolved(new Resolver({ store: platform.store, cache: entities, ...within }), wanted);
  for (const [index, { name, kind }] of wanted.entries()) {
    const references = found[index]!.map((id) => ({ [idKeyOf(kind)]: id }));
    const type = declared.find((each) => each.name === name)!.type;
    output[name] = type.endsWith('[]') ? references : references[0]!;
  }
  return output;

  async function resolved(resolver: Resolver, all: readonly Wanted[]): Promise<string[][]> {
    try {
      const { entities: each } = await resolver.resolve(all);
      return each.map((list) => list.map(({ id }) => id));
    } catch (error) {
      if (!isModelfnError(error) || error.statusCode >= 500) throw error;
      throw new OutputInvalid(functionName, [error.message], error);
    }
  }
}

function undeclared(declared: readonly DeclaredOutput[], given: Record<string, unknown>): string[] {
  const known = declared.map(({ name }) => name);
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map(
      (name) =>
        `${name.slice(0, 100)} is not declared; the nearest is ${nearest(name.slice(0, 100), known) ?? 'none, it declares no outputs'}`,
    );
}

function isPlain(type: string): type is PlainType | `${PlainType}[]` {
  return PLAIN_TYPES.some((plain) => type === plain || type === `${plain}[]`);
}

function idOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const id = isJsonObject(value) ? value.id : undefined;
  return typeof id === 'string' ? id : undefined;
}

function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return `${typeof value} ${String(value).slice(0, 60)}`;
  return Array.isArray(value) ? `a list of ${value.length}` : 'an object';
}
