import * as z from 'zod/mini';
import { type Item, systemMetadata } from '../../shared/entities/item.ts';
import { InvalidInput } from '../../shared/errors.ts';
import { ItemUnreadable } from '../../shared/inputs/errors.ts';
import { isJsonObject, type Json } from '../../shared/json.ts';
import { nearest } from '../../shared/nearest.ts';
import type { ItemInput } from '../model-adapter.ts';
import type { SvmConfiguration } from './configuration.ts';
import { MAX_ROW_WEIGHT } from './engine/training-set.ts';
import { SvmSamplesInvalid } from './errors.ts';

/** What the numbers of a sample stand for. Samples of one model all have the same. */
export const spaceSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('image'), width: z.int(), height: z.int(), channels: z.int() }),
  z.object({ kind: z.literal('vector'), dims: z.int() }),
  /** Columns of a table, sorted by name. */
  z.object({ kind: z.literal('named'), names: z.array(z.string()) }),
]);
export type FeatureSpace = z.output<typeof spaceSchema>;

/** One item as numbers. */
export interface SvmSample {
  values: Float64Array;
  space: FeatureSpace;
}

/**
 * Features of an item: pixels of an image divided by `image.scale`, or the numbers of a JSON document (a list, or an object of
 * named numbers), or one line of comma-separated numbers. @throws ItemUnreadable
 */
export async function featuresOf(input: ItemInput, { image }: SvmConfiguration): Promise<SvmSample> {
  const mimetype = String(systemMetadata(input.item).mimetype ?? '');
  if (mimetype.startsWith('image/')) return pixelsOf(input, image);
  if (mimetype === 'application/json') return numbersOf(input, await input.json());
  if (mimetype.startsWith('text/'))
    return numbersOf(
      input,
      (await input.text())
        .trim()
        .split(/[,;\s]+/)
        .map(Number),
    );
  throw new ItemUnreadable(
    input.item,
    `has the type ${mimetype || 'unknown'}; the SVM reads images, JSON (numbers by name, or a list) and lines of numbers`,
  );
}

/**
 * The number by this name in the item's `metadata.user`; 1 where there is none.
 * @throws SvmSamplesInvalid when it is no number above 0
 */
export function itemWeight(item: Readonly<Item>, name: string): number {
  const { user } = item.metadata;
  const weight = isJsonObject(user) && Object.hasOwn(user, name) ? user[name] : 1;
  if (typeof weight === 'number' && weight > 0 && weight <= MAX_ROW_WEIGHT) return weight;
  throw new SvmSamplesInvalid(
    `${item.filename} has ${JSON.stringify(weight)} as metadata.user.${name}`,
    `Its weight is to be a number above 0, at most ${MAX_ROW_WEIGHT}.`,
    { filename: item.filename },
  );
}

/**
 * Checks that the name of the weights occurs at all: a misspelled one would weigh every item 1.
 * @throws InvalidInput when no item has a number by that name
 */
export function assertWeightsOccur(items: readonly Readonly<Item>[], name: string): void {
  const known = new Set<string>();
  for (const { metadata } of items) {
    if (!isJsonObject(metadata.user)) continue;
    if (Object.hasOwn(metadata.user, name)) return;
    for (const key of Object.keys(metadata.user)) known.add(key);
  }
  const closest = nearest(name, [...known]);
  throw new InvalidInput('configuration of the SVM', [
    {
      field: 'itemWeights',
      problem: `no item of the training has metadata.user.${name}; the nearest is ${closest ?? 'none: no item has user metadata'}`,
    },
  ]);
}

/** How many numbers a sample has. */
export function dimsOf(space: FeatureSpace): number {
  if (space.kind === 'image') return space.width * space.height * space.channels;
  return space.kind === 'vector' ? space.dims : space.names.length;
}

/** What tells two spaces apart, in words; `undefined` when they are the same. */
export function differenceOf(expected: FeatureSpace, found: FeatureSpace): string | undefined {
  if (expected.kind === 'named' && found.kind === 'named') {
    const missing = expected.names.filter((name) => !found.names.includes(name));
    const extra = found.names.filter((name) => !expected.names.includes(name));
    if (missing.length + extra.length === 0) return undefined;
    return [
      ...(missing.length > 0 ? [`lacks ${missing.slice(0, 10).join(', ')}`] : []),
      ...(extra.length > 0 ? [`has ${extra.slice(0, 10).join(', ')} too many`] : []),
    ].join(' and ');
  }
  const [wanted, is] = [describeSpace(expected), describeSpace(found)];
  return wanted === is ? undefined : `has ${is}, the others have ${wanted}`;
}

function describeSpace(space: FeatureSpace): string {
  if (space.kind === 'image') return `${space.width} x ${space.height} pixels of ${space.channels} channels`;
  return space.kind === 'vector' ? `${space.dims} numbers` : `${space.names.length} named numbers`;
}

async function pixelsOf(input: ItemInput, options: SvmConfiguration['image']): Promise<SvmSample> {
  const { width, height, channels, data } = await input.image({
    channels: options.channels,
    ...(options.width !== null && { width: options.width }),
    ...(options.height !== null && { height: options.height }),
  });
  const values = Float64Array.from(data, (level) => level / options.scale);
  return { values, space: { kind: 'image', width, height, channels } };
}

function numbersOf(input: ItemInput, document: Json): SvmSample {
  const values = isJsonObject(document) && Array.isArray(document.features) ? document.features : document;
  if (Array.isArray(values)) {
    const numbers = values.map((value, index) => numberOf(input, value, String(index)));
    return { values: Float64Array.from(numbers), space: { kind: 'vector', dims: numbers.length } };
  }
  if (!isJsonObject(values))
    throw new ItemUnreadable(input.item, 'holds neither a list nor an object of numbers');
  const names = Object.keys(values).sort();
  const numbers = names.map((name) => numberOf(input, values[name]!, name));
  return { values: Float64Array.from(numbers), space: { kind: 'named', names } };
}

function numberOf(input: ItemInput, value: Json, name: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new ItemUnreadable(input.item, `has no finite number at ${JSON.stringify(name)}`);
}
