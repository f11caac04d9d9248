import { ModelfnError } from '../errors.ts';
import type { ContentInfo } from './content-store.ts';

export { briefly, StorageUnavailable, storageAdvice } from '../errors.ts';

/** More bytes than the place takes. Nothing of them was kept. */
export class ContentTooLarge extends ModelfnError {
  override readonly name = 'ContentTooLarge';
  readonly code = 'ContentTooLarge';
  readonly statusCode = 413;
  constructor(maxBytes: number) {
    super(
      `The content is larger than the limit of ${maxBytes} bytes. ` +
        'Send less, or raise the limit with MODELFN_MAX_ITEM_BYTES.',
      { details: { maxBytes } },
    );
  }
}

/** Fewer bytes than were told of. Nothing of them was kept. */
export class ContentCut extends ModelfnError {
  override readonly name = 'ContentCut';
  readonly code = 'ContentCut';
  readonly statusCode = 422;
  constructor(expectedBytes: number, foundBytes: number) {
    super(
      `The content ends after ${foundBytes} of its ${expectedBytes} bytes. Write it again, whole, then read it again.`,
      { details: { expectedBytes, foundBytes } },
    );
  }
}

/** Content that an entity names and the store does not have. */
export class ContentMissing extends ModelfnError {
  override readonly name = 'ContentMissing';
  readonly code = 'ContentMissing';
  readonly statusCode = 404;
  constructor(content: ContentInfo, cause?: unknown) {
    super(
      `The content ${content.sha256} (${content.sizeBytes} bytes) is not in the content store. ` +
        'Upload the item again, or restore the state folder whole: store and contents belong together.',
      { details: { ...content }, cause },
    );
  }
}

/** Stored bytes that are not what their name says: a damaged disk, or a hand that changed them. */
export class ContentCorrupt extends ModelfnError {
  override readonly name = 'ContentCorrupt';
  readonly code = 'ContentCorrupt';
  readonly statusCode = 422;
  constructor(content: ContentInfo, found: ContentInfo) {
    super(
      `The content ${content.sha256} (${content.sizeBytes} bytes) was changed: it now is ${found.sha256} ` +
        `(${found.sizeBytes} bytes). Upload the item again; that puts the right bytes back.`,
      { details: { expected: { ...content }, found: { ...found } } },
    );
  }
}

/** A file of a folder that cannot be taken in, such as a symbolic link that leaves the folder. */
export class FileRefused extends ModelfnError {
  override readonly name = 'FileRefused';
  readonly code = 'FileRefused';
  readonly statusCode = 422;
  constructor(path: string, problem: string, cause?: unknown) {
    super(`"${path}" cannot be used: ${problem}. Put a plain file in its place, or remove it.`, {
      details: { path, problem },
      cause,
    });
  }
}
