import { ModelfnError, messageOf, systemCode } from '../errors.ts';
import type { ContentInfo } from './content-store.ts';

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

/** The disk cannot be read or written just now: full, read-only, not permitted. Nothing was half-written. */
export class StorageUnavailable extends ModelfnError {
  override readonly name = 'StorageUnavailable';
  readonly code = 'StorageUnavailable';
  readonly statusCode = 503;
  override readonly retryable = true;
  constructor(what: string, cause: unknown) {
    super(`${what} failed: ${briefly(cause)}. ${storageAdvice(cause)}`, {
      details: { systemCode: systemCode(cause) ?? null },
      cause,
    });
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

/** The system's own words for a failure, without the machine's paths that follow them. */
export function briefly(error: unknown): string {
  const message = messageOf(error);
  return systemCode(error) === undefined ? message : (message.split(',')[0] ?? message);
}

/** What to do about a failure of the disk. */
export function storageAdvice(error: unknown): string {
  return ADVICE[systemCode(error) ?? ''] ?? 'Try again; if it goes on, look at the disk and at the log.';
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: free some space, then try again. Nothing was half-written.',
  EDQUOT: 'The disk quota is used up: free some space, then try again. Nothing was half-written.',
  EROFS: 'The file system is read-only: set MODELFN_HOME to a folder that can be written.',
  EACCES: 'The process may not touch the folder: correct its owner or permissions, then try again.',
  EPERM: 'The process may not touch the folder: correct its owner or permissions, then try again.',
  ENOTDIR: 'A file is where a folder should be: move it away, then try again.',
  EMFILE: 'Too many files are open: raise the limit of open files (ulimit -n), then try again.',
  ENFILE: 'Too many files are open on this machine: close some, then try again.',
  EIO: 'The disk reported a fault: check it before writing more.',
};
