import { isJsonObject, type Json } from '../json.ts';

const COMPARISONS: Readonly<Record<string, string>> = {
  $eq: '=',
  $ne: '!=',
  $gt: '>',
  $gte: '>=',
  $lt: '<',
  $lte: '<=',
};

/** Deeper conditions are refused: nobody writes them, and they would be walked without an end in sight. */
const MAX_DEPTH = 10;

/** A condition that cannot be used, and why. */
export class ConditionUnusable extends Error {}

/**
 * A condition as a JSONata expression that is true or false of `subject`, an expression for the source's output.
 * It takes JSON text like a filter's: `{"metrics.accuracy": {"$gte": 0.9}}`, `{"status": "trained"}`, `$and`, `$or`, `$not`;
 * names with dots lead inside. A comparison with a missing field is false.
 * @throws ConditionUnusable
 */
export function compileCondition(text: string, subject: string): string {
  let condition: Json;
  try {
    condition = JSON.parse(text) as Json;
  } catch {
    throw new ConditionUnusable('the condition is no JSON; write e.g. {"metrics.accuracy": {"$gte": 0.9}}');
  }
  return all(condition, subject, 0);
}

/** The first names of the paths that a condition reads. @throws ConditionUnusable */
export function fieldsOfCondition(text: string): string[] {
  const fields = new Set<string>();
  const walk = (value: Json): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (isJsonObject(value))
      for (const [name, inner] of Object.entries(value))
        if (name.startsWith('$')) walk(inner);
        else fields.add(name.split('.')[0]!);
  };
  compileCondition(text, '$x');
  walk(JSON.parse(text) as Json);
  return [...fields];
}

function all(condition: Json | undefined, subject: string, depth: number): string {
  if (!isJsonObject(condition) || depth > MAX_DEPTH)
    throw new ConditionUnusable('a condition is a JSON object, ten deep at most');
  const parts = Object.entries(condition).map(([name, value]) => {
    if (name === '$and' || name === '$or') {
      if (!Array.isArray(value) || value.length === 0) throw new ConditionUnusable(`${name} takes a list`);
      return group(
        value.map((each) => all(each, subject, depth + 1)),
        name === '$and' ? 'and' : 'or',
      );
    }
    if (name === '$not') return `$not(${all(value, subject, depth + 1)})`;
    if (name.startsWith('$'))
      throw new ConditionUnusable(`${name} is no operator; there are $and, $or, $not`);
    return compare(pathOf(name, subject), value);
  });
  return parts.length === 0 ? 'true' : group(parts, 'and');
}

function compare(path: string, value: Json): string {
  if (!isJsonObject(value)) return `(${path} = ${literal(value)})`;
  const parts = Object.entries(value).map(([operator, operand]) => {
    if (operator === '$in') {
      if (!Array.isArray(operand)) throw new ConditionUnusable('$in takes a list');
      return `(${path} in [${operand.map(literal).join(', ')}])`;
    }
    if (operator === '$exists') return operand === true ? `$exists(${path})` : `$not($exists(${path}))`;
    if (!Object.hasOwn(COMPARISONS, operator))
      throw new ConditionUnusable(
        `${operator} is no comparison; there are ${[...Object.keys(COMPARISONS), '$in', '$exists'].join(', ')}`,
      );
    if (operator === '$eq' || operator === '$ne')
      return `(${path} ${COMPARISONS[operator]} ${literal(operand)})`;
    const kind = typeof operand;
    if (kind !== 'number' && kind !== 'string')
      throw new ConditionUnusable(`${operator} takes a number or a text`);
    // JSONata fails on an order of unlike types, where a filter is just not satisfied.
    return `($type(${path}) = '${kind}' ? ${path} ${COMPARISONS[operator]} ${literal(operand)} : false)`;
  });
  if (parts.length === 0) throw new ConditionUnusable('a comparison is empty');
  return group(parts, 'and');
}

function group(parts: readonly string[], operator: 'and' | 'or'): string {
  return parts.length === 1 ? parts[0]! : `(${parts.join(` ${operator} `)})`;
}

/** Names in quotes are names to JSONata whatever they hold, and JSON's escapes are its own. */
function pathOf(name: string, subject: string): string {
  const parts = name.split('.');
  if (parts.some((part) => part === '' || part.includes('`')))
    throw new ConditionUnusable(`${JSON.stringify(name)} is no path`);
  return [subject, ...parts.map((part) => `\`${part}\``)].join('.');
}

function literal(value: Json): string {
  if (value !== null && typeof value === 'object')
    throw new ConditionUnusable('a comparison takes texts, numbers, true, false and null');
  return JSON.stringify(value);
}
