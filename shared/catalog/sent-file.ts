import type { ContentInfo } from '../content/content-store.ts';

/** A file on its way to a client. */
export interface SentFile {
  name: string;
  /** Octets when missing. */
  mimetype?: string;
  content: ContentInfo;
  /** Not yet opened. */
  bytes: AsyncIterable<Uint8Array>;
}
