import type { PredictedTensor, Prediction } from '../../adapters/model-adapter.ts';
import { RepeatableSource } from '../content/byte-source.ts';
import type { ContentInfo } from '../content/content-store.ts';
import type { Item } from '../entities/item.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { dtypeOf, npyFile } from './npy-file.ts';

/** Elements that an annotation itself holds at most; a tensor with more, or with NaN or Infinity, is a file beside it. */
const MOST_INLINE_ELEMENTS = 4096;
/** As many as NumPy reads. */
const MOST_DIMENSIONS = 64;

/** A prediction that is small: of a large tensor it says where its file is. */
export interface KeptPrediction extends Omit<Prediction, 'tensor'> {
  tensor?: never;
  /** The `.npy` file of its tensor; missing where coordinates tell all. */
  content?: ContentInfo;
}

/** What a snapshot says about one item, ready to be written. */
export interface KeptPredictions {
  item: Readonly<Item>;
  predictions: readonly KeptPrediction[];
}

/**
 * Takes the numbers of large tensors out of predictions: each becomes a `.npy` file in the content store, where the same
 * numbers are the same file. With `write` false they are dropped and only described.
 * @throws ContentTooLarge for a tensor above the size of an item (MODELFN_MAX_ITEM_BYTES)
 */
export async function keepTensors(
  platform: Pick<Platform, 'content' | 'config'>,
  predictions: readonly Prediction[],
  { write }: { write: boolean },
): Promise<KeptPrediction[]> {
  const kept: KeptPrediction[] = [];
  for (const each of predictions) {
    // An adapter's word is no file: whose bytes they are is not asked any more.
    const { tensor, content: _, ...prediction } = each as Prediction & { content?: unknown };
    if (tensor === undefined) kept.push(prediction);
    else if (tensor.data.length <= MOST_INLINE_ELEMENTS && hasOnlyFinite(tensor))
      kept.push({ ...prediction, coordinates: { dims: [...tensor.dims], data: Array.from(tensor.data) } });
    else kept.push({ ...prediction, ...(await keepFile(platform, tensor, write)) });
  }
  return kept;
}

/** JSON has no NaN and no Infinity: a tensor with them is a file, however small. */
function hasOnlyFinite({ data }: PredictedTensor): boolean {
  for (const value of data) if (!Number.isFinite(value)) return false;
  return true;
}

/** What is wrong with a tensor of an adapter; `undefined` when nothing is. */
export function problemOfTensor({ dims, data }: PredictedTensor): string | undefined {
  if (dtypeOf(data) === undefined) return 'has a tensor whose data is no typed array of numbers';
  const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) >= 0;
  if (!Array.isArray(dims) || dims.length > MOST_DIMENSIONS || !dims.every(isSize))
    return 'has a tensor whose dims are no list of sizes';
  const count = dims.reduce((product, size) => product * size, 1);
  if (count === data.length) return undefined;
  return `has a tensor of ${dims.join(' x ')} with ${data.length} elements`;
}

async function keepFile(
  { content, config }: Pick<Platform, 'content' | 'config'>,
  { dims, data }: PredictedTensor,
  write: boolean,
): Promise<{ coordinates: JsonObject; content?: ContentInfo }> {
  const parts = npyFile(dims, data);
  const sizeBytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const coordinates = { dims: [...dims], dtype: dtypeOf(data)!, sizeBytes };
  return write
    ? {
        coordinates,
        content: await content.put(new RepeatableSource(() => inTurn(parts)), config.maxItemBytes),
      }
    : { coordinates };
}

async function* inTurn(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
