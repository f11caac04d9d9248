import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { jsonObjectSchema, jsonSchema, wordSchema } from '../entities/fields.ts';
import type { LabelNode, OntologyNode } from '../entities/ontology.ts';
import { InvalidInput } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { parse } from '../parse.ts';

const MAX_DEPTH = 64;
const MAX_TAG_LENGTH = 255;

const looseValueSchema = z.object({
  tag: z.string().check(z.minLength(1), z.maxLength(MAX_TAG_LENGTH)),
  displayLabel: z.nullish(z.string().check(z.maxLength(1_024))),
  color: z.nullish(wordSchema),
  attributes: z.nullish(z.array(jsonSchema)),
  displayData: z.nullish(jsonObjectSchema),
});

/**
 * Roots as a client sends them, with every part there: a colour for each label, `attributes` and `displayData` that
 * are never null. A bare value without `value`/`children` around it is read as a node too.
 * @throws InvalidInput naming the node.
 */
export function completeRoots(roots: readonly JsonObject[], prefix = '', depth = 0): OntologyNode[] {
  if (depth > MAX_DEPTH)
    throw new InvalidInput('ontology', [
      { field: prefix, problem: `is nested deeper than ${MAX_DEPTH} levels` },
    ]);
  return roots.map((root) => {
    const value = parse(
      looseValueSchema,
      root.value ?? root,
      `label ${JSON.stringify(prefix)} of the ontology`,
    );
    const label = joinTag(prefix, value.tag);
    const children = Array.isArray(root.children) ? root.children.filter(isJsonObject) : [];
    return {
      value: completeValue(label, value.tag, value),
      children: completeRoots(children, label, depth + 1),
    };
  });
}

/**
 * The roots with one label added, or changed where given. Dots in `tag` nest: missing parents are made. With
 * `upsert` false only a label that is there is changed; `undefined` tells that it is not.
 * @throws InvalidInput for an empty part of the tag or a colour that is none.
 */
export function withLabel(
  roots: readonly OntologyNode[],
  label: LabelNode,
  upsert: boolean,
): OntologyNode[] | undefined {
  const tags = label.tag.split('.');
  if (tags.some((tag) => tag.trim() === ''))
    throw new InvalidInput('label', [
      { field: 'tag', problem: `${JSON.stringify(label.tag)} has an empty part between its dots` },
    ]);
  return withLabelAt(roots, label, tags, '', upsert);
}

function withLabelAt(
  nodes: readonly OntologyNode[],
  label: LabelNode,
  [tag, ...rest]: string[],
  prefix: string,
  upsert: boolean,
): OntologyNode[] | undefined {
  const full = joinTag(prefix, tag!);
  const at = nodes.findIndex((node) => node.value.tag === tag);
  if (at < 0 && !upsert) return undefined;
  const current = nodes[at] ?? { value: completeValue(full, tag!, {}), children: [] };
  const children =
    rest.length === 0 ? current.children : withLabelAt(current.children, label, rest, full, upsert);
  if (!children) return undefined;
  const value =
    rest.length === 0 ? completeValue(full, tag!, { ...current.value, ...given(label) }) : current.value;
  return at < 0 ? [...nodes, { value, children }] : nodes.with(at, { value, children });
}

type LooseValue = Partial<Omit<z.output<typeof looseValueSchema>, 'tag'>>;

function completeValue(label: string, tag: string, value: LooseValue): OntologyNode['value'] {
  return {
    tag,
    displayLabel: value.displayLabel ?? tag,
    color: readColor(value.color) ?? colorOf(label),
    attributes: value.attributes ?? [],
    displayData: value.displayData ?? {},
  };
}

function given({ tag: _tag, ...fields }: LabelNode): LooseValue {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  ) as LooseValue;
}

function readColor(color: string | null | undefined): string | undefined {
  if (color === null || color === undefined || color === '') return undefined;
  if (/^#[0-9a-fA-F]{6}$/.test(color)) return color;
  if (/^#[0-9a-fA-F]{3}$/.test(color))
    return `#${[...color.slice(1)].map((digit) => digit + digit).join('')}`;
  throw new InvalidInput('label', [
    { field: 'color', problem: `${JSON.stringify(color.slice(0, 40))} is not a colour like #14638f` },
  ]);
}

/** A colour that depends on the label alone, so that the same label looks the same in every ontology. */
function colorOf(label: string): string {
  const [hue, shade] = createHash('sha256').update(label).digest();
  return hslToHex((hue! / 256) * 360, 0.6, 0.4 + (shade! / 256) * 0.2);
}

/** CSS Color 4, section 7.1: f(n) = l - s·min(l, 1-l)·max(-1, min(k-3, 9-k, 1)), k = (n + h/30) mod 12. */
function hslToHex(h: number, s: number, l: number): string {
  const channel = (n: number): string => {
    const k = (n + h / 30) % 12;
    const value = l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(value * 255)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

function joinTag(prefix: string, tag: string): string {
  return prefix === '' ? tag : `${prefix}.${tag}`;
}
