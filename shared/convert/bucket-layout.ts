import type { LayoutReader, LayoutWriter } from '../../adapters/model-adapter.ts';
import type { Bucket } from '../buckets/bucket.ts';
import { type ByteSource, RepeatableSource } from '../content/byte-source.ts';
import type { FormatFiles } from '../formats/format.ts';

/** A training layout in a bucket: each path is a key, and keys are checked by the bucket. */
export function bucketLayout(bucket: Bucket): LayoutReader & LayoutWriter & FormatFiles {
  return {
    async write(path, content) {
      await bucket.write(path, sourceOf(content));
    },
    async list() {
      const paths: string[] = [];
      for await (const { key } of bucket.list()) paths.push(key);
      return paths;
    },
    stream: (path) => bucket.read(path),
    async read(path) {
      const parts: Uint8Array[] = [];
      for await (const part of bucket.read(path)) parts.push(part);
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    },
  };
}

function sourceOf(content: string | Uint8Array | AsyncIterable<string | Uint8Array>): ByteSource {
  if (typeof content === 'string' || content instanceof Uint8Array) return bytesOf(content);
  return content instanceof RepeatableSource ? content : chunks(content);
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content;
}

async function* chunks(source: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of source) yield bytesOf(part);
}
