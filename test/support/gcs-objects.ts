import { createHash } from 'node:crypto';
import { CRC32C } from '@google-cloud/storage';

/** An object as the test server keeps it: its newest generation only, as a bucket without versioning does. */
export interface KeptObject {
  name: string;
  bytes: Buffer;
  generation: string;
  timeCreated: string;
  crc32c: string;
  md5Hash: string;
  contentType: string;
  metadata: Record<string, string> | undefined;
}

export interface NewObject {
  name: string;
  bytes: Buffer;
  contentType?: string | undefined;
  metadata?: Record<string, string> | undefined;
  /** Checksums the sender gave; others are refused. */
  crc32c?: string | undefined;
  md5Hash?: string | undefined;
}

/** A refusal in the words of Cloud Storage. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

let lastGeneration = 1_700_000_000_000_000n;

/** The objects of one bucket. Checksums come from Google's own class, so that ours are held against another's. */
export class KeptBucket {
  readonly name: string;
  readonly objects = new Map<string, KeptObject>();

  constructor(name: string) {
    this.name = name;
  }

  /** @throws Refusal 404 */
  find(name: string, generation?: string | null): KeptObject {
    const object = this.objects.get(name);
    if (!object || (generation && generation !== object.generation))
      throw new Refusal(404, 'notFound', `No such object: ${this.name}/${name}`);
    return object;
  }

  /** @throws Refusal 412, and 400 for bytes that are not those their checksums tell */
  put(object: NewObject, ifGenerationMatch: string | null): KeptObject {
    this.check(object.name, ifGenerationMatch);
    const kept = keep(object);
    if (object.crc32c !== undefined && object.crc32c !== kept.crc32c)
      throw new Refusal(400, 'invalid', `Provided CRC32C "${object.crc32c}" doesn't match calculated CRC32C`);
    if (object.md5Hash !== undefined && object.md5Hash !== kept.md5Hash)
      throw new Refusal(
        400,
        'invalid',
        `Provided MD5 hash "${object.md5Hash}" doesn't match calculated MD5 hash`,
      );
    this.objects.set(kept.name, kept);
    return kept;
  }

  /** @throws Refusal 404, 412 */
  delete(name: string, ifGenerationMatch: string | null): void {
    this.find(name);
    this.check(name, ifGenerationMatch);
    this.objects.delete(name);
  }

  /** @throws Refusal 412 when another generation is there than the one named; 0 names none. */
  check(name: string, ifGenerationMatch: string | null): void {
    if (ifGenerationMatch === null) return;
    if ((this.objects.get(name)?.generation ?? '0') !== ifGenerationMatch)
      throw new Refusal(
        412,
        'conditionNotMet',
        'At least one of the pre-conditions you specified did not hold.',
      );
  }

  list(query: URLSearchParams): Record<string, unknown> {
    const prefix = query.get('prefix') ?? '';
    const delimiter = query.get('delimiter') ?? '';
    const after = query.get('pageToken') ?? '';
    const most = Number(query.get('maxResults') ?? 1000);
    const prefixes = new Set<string>();
    const items: unknown[] = [];
    let last = '';
    for (const name of [...this.objects.keys()].sort(byBytes)) {
      if (!name.startsWith(prefix) || (after !== '' && byBytes(name, after) <= 0)) continue;
      if (items.length + prefixes.size === most)
        return { prefixes: [...prefixes], items, nextPageToken: last };
      last = name;
      const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
      if (cut === -1) items.push(resourceOf(this.name, this.objects.get(name)!));
      else prefixes.add(name.slice(0, cut + delimiter.length));
    }
    return { kind: 'storage#objects', prefixes: [...prefixes], items };
  }
}

export function resourceOf(bucket: string, object: KeptObject): Record<string, unknown> {
  const { bytes, ...fields } = object;
  return {
    kind: 'storage#object',
    id: `${bucket}/${object.name}/${object.generation}`,
    bucket,
    size: String(bytes.byteLength),
    metageneration: '1',
    storageClass: 'STANDARD',
    ...fields,
  };
}

function keep({ name, bytes, contentType = 'application/octet-stream', metadata }: NewObject): KeptObject {
  const crc = new CRC32C();
  crc.update(bytes);
  lastGeneration += 1n;
  return {
    name,
    bytes,
    contentType,
    metadata,
    generation: String(lastGeneration),
    timeCreated: new Date().toISOString(),
    crc32c: crc.toString(),
    md5Hash: createHash('md5').update(bytes).digest('base64'),
  };
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
