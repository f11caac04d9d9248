import type { ItemInput } from '../../adapters/model-adapter.ts';
import { type Config, DEFAULT_MAX_IMAGE_BYTES } from '../config.ts';
import type { Item } from '../entities/item.ts';
import { isModelfnError } from '../errors.ts';
import type { Json } from '../json.ts';
import { ItemUnreadable } from './errors.ts';
import { decodeImage } from './image.ts';

/** An item for an adapter. `readBytes` is called when bytes are first asked for, and once. */
export function createItemInput(
  item: Readonly<Item>,
  readBytes: () => Promise<Uint8Array>,
  { maxImageBytes }: Pick<Config, 'maxImageBytes'> = { maxImageBytes: DEFAULT_MAX_IMAGE_BYTES },
): ItemInput {
  let reading: Promise<Uint8Array> | undefined;
  const bytes = (): Promise<Uint8Array> => {
    reading ??= readBytes();
    return reading;
  };
  const read = async <T>(problem: string, decode: (content: Uint8Array) => T | Promise<T>): Promise<T> => {
    const content = await bytes();
    if (content.byteLength === 0) throw new ItemUnreadable(item, 'is an empty file');
    try {
      return await decode(content);
    } catch (error) {
      throw isModelfnError(error) ? error : new ItemUnreadable(item, problem, error);
    }
  };
  const decodeText = (content: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(content);
  return {
    item,
    bytes,
    text: () => read('is no text in UTF-8', decodeText),
    json: () => read('is no JSON', (content) => JSON.parse(decodeText(content)) as Json),
    image: (options) =>
      read('cannot be decoded as an image', (content) => decodeImage(content, maxImageBytes, options)),
  };
}
