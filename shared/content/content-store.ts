/** The bytes of an item: named by what they are. */
export interface ContentInfo {
  sha256: string;
  sizeBytes: number;
}

/**
 * Bytes of items, kept once however many items have them. Names come from the bytes alone, so a write can be
 * repeated and nothing is ever changed in place.
 */
export interface ContentStore {
  /**
   * Takes in bytes. They are durable when the promise resolves.
   * @throws ContentTooLarge after `maxBytes`; nothing is kept then.
   */
  put(source: AsyncIterable<Uint8Array> | Uint8Array, maxBytes: number): Promise<ContentInfo>;

  /** The bytes. @throws ContentMissing when they are not there; ContentCorrupt when they are not what their name says. */
  bytes(content: ContentInfo): Promise<Uint8Array>;

  /** The bytes as a stream, for downloads; not verified on the way. @throws ContentMissing */
  stream(content: ContentInfo): AsyncIterable<Uint8Array>;

  /** A 64 kB head or less, without reading the rest: enough for an image's size. */
  head(content: ContentInfo, sizeBytes: number): Promise<Uint8Array>;
}
