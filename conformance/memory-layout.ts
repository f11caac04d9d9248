import type { LayoutReader, LayoutWriter } from '../adapters/model-adapter.ts';
import { ObjectNotFound } from '../shared/buckets/errors.ts';
import { checkKey } from '../shared/buckets/object-key.ts';

/** A training layout in memory. Paths are held to what they are held to in a bucket. */
export function memoryLayout(): LayoutReader & LayoutWriter {
  const files = new Map<string, Uint8Array>();
  return {
    async write(path, content) {
      checkKey(path);
      if (typeof content === 'string' || content instanceof Uint8Array) files.set(path, Buffer.from(content));
      else {
        const parts: Buffer[] = [];
        for await (const part of content)
          parts.push(typeof part === 'string' ? Buffer.from(part) : Buffer.from(part));
        files.set(path, Buffer.concat(parts));
      }
    },
    list: async () => [...files.keys()].sort(),
    async read(path) {
      const content = files.get(checkKey(path));
      if (!content) throw new ObjectNotFound('local', path);
      return Uint8Array.from(content);
    },
  };
}
