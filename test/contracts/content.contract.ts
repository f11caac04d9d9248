import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ContentInfo, ContentStore } from '../../shared/content/content-store.ts';
import { sha256Of } from '../../shared/content/file-digest.ts';
import { allOf, bytesOf, codeOf } from './bucket.contract.ts';

/** An empty store of contents, and a second one on the same bytes, as another process would have it. */
export interface OpenedContents {
  store: ContentStore;
  again: ContentStore;
  /** Names of everything that is kept, parts and temporary files too. */
  kept(): Promise<string[]>;
  /** Puts other bytes in the place of a content, as no program of ours does. */
  replace(content: ContentInfo, bytes: Uint8Array): Promise<void>;
}

const MANY = 1 << 20;

export async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytesOf(text);
}

/** Every promise of `content/content-store.ts`, for any driver. */
export function contentContract(name: string, open: () => Promise<OpenedContents>): void {
  describe(`content contract: ${name}`, () => {
    let opened: OpenedContents;
    let store: ContentStore;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });

    it('gives back any bytes, from memory or from a stream, under the name of their digest', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(299), async (bytes, cut) => {
          const content = await store.put(bytes, MANY);
          const streamed = await store.put(
            (async function* () {
              yield bytes.subarray(0, cut);
              yield bytes.subarray(cut);
            })(),
            MANY,
          );
          expect(content).toEqual({ sha256: sha256Of(bytes), sizeBytes: bytes.byteLength });
          expect(streamed).toEqual(content);
          expect(await opened.again.bytes(content)).toEqual(bytes);
          expect(Buffer.concat(await allOf(store.stream(content)))).toEqual(Buffer.from(bytes));
        }),
        { numRuns: 25 },
      );
    });

    it('keeps the same bytes once, whoever puts them and however often', async () => {
      await Promise.all([
        store.put(bytesOf('same'), MANY),
        opened.again.put(bytesOf('same'), MANY),
        store.put(chunks('sa', 'me'), MANY),
      ]);

      expect(await opened.kept()).toHaveLength(1);
    });

    it('reads a head without the rest, 64 kB at most', async () => {
      const content = await store.put(new Uint8Array(100_000).fill(7), MANY);

      expect(await store.head(content, 10)).toEqual(new Uint8Array(10).fill(7));
      expect(await store.head(content, 90_000)).toHaveLength(65_536);
      expect(await store.head(await store.put(bytesOf('short'), MANY), 10)).toEqual(bytesOf('short'));
      expect(await store.head(await store.put(bytesOf(''), MANY), 10)).toEqual(bytesOf(''));
    });

    it('finds one altered byte', async () => {
      const content = await store.put(bytesOf('right'), MANY);
      await opened.replace(content, bytesOf('wrong'));

      expect(await codeOf(store.bytes(content))).toBe('ContentCorrupt');
    });

    it('is healed of a cut content by the next put of the right bytes', async () => {
      const content = await store.put(bytesOf('right'), MANY);
      await opened.replace(content, bytesOf('rig'));

      expect(await codeOf(store.bytes(content))).toBe('ContentCorrupt');
      await store.put(bytesOf('right'), MANY);
      expect(await store.bytes(content)).toEqual(bytesOf('right'));
    });

    it('answers ContentMissing for what it does not have, also for names that are no digest', async () => {
      for (const sha256 of ['0'.repeat(64), '../../etc/passwd', '']) {
        const content = { sha256, sizeBytes: 1 };
        expect(await codeOf(store.bytes(content))).toBe('ContentMissing');
        expect(await codeOf(store.head(content, 10))).toBe('ContentMissing');
        expect(await codeOf(allOf(store.stream(content)))).toBe('ContentMissing');
      }
    });

    it('keeps nothing of what is too large or whose source fails', async () => {
      const broken = new Error('the upload broke');

      expect(await codeOf(store.put(bytesOf('12345'), 4))).toBe('ContentTooLarge');
      expect(await codeOf(store.put(chunks('123', '45'), 4))).toBe('ContentTooLarge');
      await expect(
        store.put(
          (async function* () {
            yield bytesOf('1');
            throw broken;
          })(),
          4,
        ),
      ).rejects.toBe(broken);

      expect(await opened.kept()).toEqual([]);
    });
  });
}
