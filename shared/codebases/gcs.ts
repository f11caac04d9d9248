import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { ObjectReplaced } from '../buckets/errors.ts';
import type { GcsSettings } from '../config.ts';
import { collect } from '../content/byte-source.ts';
import { sha256Of } from '../content/file-digest.ts';
import { commitFile, writeTemporary } from '../content/temporary-file.ts';
import type { CodebaseSpec } from '../entities/codebase-spec.ts';
import { hasCode, isModelfnError } from '../errors.ts';
import { codedFailure } from '../gcs/coded-failure.ts';
import { download } from '../gcs/download.ts';
import { askForObject, type GcsPlace, type StoredObject } from '../gcs/object-call.ts';
import { gcsPlace } from '../gcs/place.ts';
import { ARCHIVE_LIMITS } from './archive.ts';
import type { Checkout, Codebase } from './codebase.ts';
import { ArchiveRefused, CodebaseNotFound } from './errors.ts';
import { checkoutArchive, findCheckout } from './unpacked-archive.ts';

type GcsCodebaseSpec = Extract<CodebaseSpec, { type: 'gcs' }>;

/** Remembers on this machine which archive a generation of an object was. */
const recordSchema = z.object({
  generation: z.string(),
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
});

/** Checkouts that find the object replaced under them start again, this often in all. */
const MAX_TRIES = 3;

/** Opens a codebase with this process's settings. @throws GcsPlaceNotAllowed */
export async function openGcsCodebase(
  spec: GcsCodebaseSpec,
  cacheDirectory: string,
  settings: Readonly<GcsSettings>,
): Promise<GcsCodebase> {
  return new GcsCodebase(spec, cacheDirectory, gcsPlace(settings, spec));
}

/**
 * A zip object of Google Cloud Storage, unpacked once a machine; its digest is the sha256 of the zip. Every checkout asks
 * which generation is there, and fetches the bytes only of one that this machine has not seen.
 */
export class GcsCodebase implements Codebase {
  readonly spec: GcsCodebaseSpec;
  readonly #cacheDirectory: string;
  readonly #place: GcsPlace;

  constructor(spec: GcsCodebaseSpec, cacheDirectory: string, place: GcsPlace) {
    this.spec = spec;
    this.#cacheDirectory = cacheDirectory;
    this.#place = place;
  }

  async checkout(signal?: AbortSignal): Promise<Checkout> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#checkoutNewest(signal);
      } catch (error) {
        const wasReplaced = hasCode(error, 'ObjectReplaced');
        if (!wasReplaced || tries === MAX_TRIES) throw error;
      }
    }
  }

  async #checkoutNewest(signal: AbortSignal | undefined): Promise<Checkout> {
    const stored = await this.#coded('stat', () => askForObject(this.#place, this.spec.gcsPrefix, signal));
    return (await this.#findUnpacked(stored)) ?? this.#fetch(stored, signal);
  }

  async #findUnpacked({ generation }: StoredObject): Promise<Checkout | undefined> {
    const text = await readFile(this.#recordPath(), 'utf8').catch(() => 'null');
    const record = z.safeParse(recordSchema, parse(text)).data;
    return record?.generation === generation ? findCheckout(this.#cacheDirectory, record.sha256) : undefined;
  }

  async #fetch({ generation, size }: StoredObject, signal: AbortSignal | undefined): Promise<Checkout> {
    const tooLarge = () =>
      new ArchiveRefused(`it has more than the ${ARCHIVE_LIMITS.archiveBytes} bytes that are allowed`);
    if (size > ARCHIVE_LIMITS.archiveBytes) throw tooLarge();
    const chunks = download(this.#place, this.spec.gcsPrefix, { generation, signal });
    const bytes = await this.#coded('read', () => collect(chunks, ARCHIVE_LIMITS.archiveBytes, tooLarge));
    const sha256 = sha256Of(bytes);
    const checkout = await checkoutArchive(this.#cacheDirectory, { sha256, bytes: async () => bytes });
    await this.#remember({ generation, sha256 });
    return checkout;
  }

  /** Without the record the archive is fetched once more next time: a disk that takes no record breaks nothing. */
  async #remember(record: z.output<typeof recordSchema>): Promise<void> {
    const path = this.#recordPath();
    const source = (async function* () {
      yield Buffer.from(JSON.stringify(record));
    })();
    try {
      const file = await writeTemporary(join(this.#cacheDirectory, 'tmp'), source, { durable: false });
      await commitFile(file, path, { durable: false });
    } catch (error) {
      if (isModelfnError(error)) throw error;
    }
  }

  #recordPath(): string {
    const { connection, bucketName } = this.#place;
    const name = sha256Of(JSON.stringify([connection.origin, bucketName, this.spec.gcsPrefix]));
    return join(this.#cacheDirectory, 'gcs', `${name}.json`);
  }

  async #coded<T>(operation: 'stat' | 'read', work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { gcsBucketName, gcsPrefix } = this.spec;
      const coded = codedFailure(this.#place, { operation, key: gcsPrefix }, error);
      // A pinned generation that is gone before its first byte.
      if (hasCode(coded, 'ObjectNotFound') && operation === 'read')
        throw new ObjectReplaced(this.spec.type, gcsPrefix, error);
      if (hasCode(coded, 'ObjectNotFound'))
        throw new CodebaseNotFound(
          `the bucket "${gcsBucketName}" has no object "${gcsPrefix}"`,
          'Upload the zip of the adapter there, or correct gcsPrefix.',
          error,
        );
      throw coded;
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
