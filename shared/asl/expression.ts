import jsonata from 'jsonata';
import { messageOf } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { StateError } from './errors.ts';

/** What expressions see: `$states`, and the variables by their names. */
export interface Scope {
  readonly states: JsonObject;
  readonly variables: Readonly<JsonObject>;
}

const compiled = new Map<string, jsonata.Expression>();
const MAX_COMPILED = 500;

/**
 * A value with every `{% ... %}` in it worked out.
 * @throws StateError `States.QueryEvaluationError` for an expression that fails or has no result
 */
export async function evaluate(value: Json, scope: Scope): Promise<Json> {
  if (typeof value === 'string') {
    const text = expressionOf(value);
    return text === undefined ? value : evaluateText(text, scope);
  }
  if (Array.isArray(value)) return Promise.all(value.map((each) => evaluate(each, scope)));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(
    async ([key, each]) => [key, await evaluate(each, scope)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** The text between `{%` and `%}`; undefined for a plain text. */
export function expressionOf(value: string): string | undefined {
  return value.startsWith('{%') && value.endsWith('%}') ? value.slice(2, -2).trim() : undefined;
}

async function evaluateText(text: string, { states, variables }: Scope): Promise<Json> {
  let result: unknown;
  try {
    result = await compile(text).evaluate(undefined, { states, ...variables });
  } catch (error) {
    // What JSONata throws has a message and is no Error.
    const message = isJsonObject(error) && 'message' in error ? String(error.message) : messageOf(error);
    throw new StateError('States.QueryEvaluationError', `${text}: ${message}`, { of: error });
  }
  if (result === undefined)
    throw new StateError('States.QueryEvaluationError', `${text}: it has no result; a field is missing`);
  // JSONata's lists carry marks of their own.
  return JSON.parse(JSON.stringify(result)) as Json;
}

function compile(text: string): jsonata.Expression {
  const known = compiled.get(text);
  if (known) return known;
  const expression = jsonata(text);
  // Step Functions adds the one and takes the other away.
  expression.registerFunction('parse', (json: string) => JSON.parse(json) as unknown, '<s:x>');
  expression.registerFunction('eval', () => {
    throw new Error('$eval is not there in state machines');
  });
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  compiled.set(text, expression);
  return expression;
}
