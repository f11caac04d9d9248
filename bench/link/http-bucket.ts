import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Bucket, ObjectInfo, ReadOptions, WriteOptions } from '../../shared/buckets/bucket.ts';
import { ObjectNotFound, PreconditionFailed } from '../../shared/buckets/errors.ts';

/** Objects of `object-server.ts` as a bucket: about the least that a driver over HTTP can do. */
export class HttpBucket implements Bucket {
  readonly spec = { type: 'local' } as const;
  readonly capabilities = {
    canWrite: true,
    canReadRanges: true,
    hasPreconditions: false,
    provesWrites: false,
    hasDigestEtags: false,
    prefersFewObjects: false,
  };
  readonly #origin: string;
  readonly #agent: Agent;

  constructor(origin: string) {
    this.#origin = origin;
    this.#agent = new Agent({ keepAlive: true });
  }

  async *list(prefix = ''): AsyncGenerator<ObjectInfo> {
    const response = await this.#send('GET', '');
    const found = JSON.parse(Buffer.concat(await response.toArray()).toString()) as {
      name: string;
      sizeBytes: number;
    }[];
    for (const { name, sizeBytes } of found.sort((a, b) => (a.name < b.name ? -1 : 1)))
      if (name.startsWith(prefix)) yield { key: name, sizeBytes, etag: name };
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    const response = await this.#send('HEAD', key);
    response.resume();
    if (response.statusCode === 404) return undefined;
    return { key, sizeBytes: Number(response.headers['content-length']), etag: key };
  }

  async *read(key: string, { start, end, signal }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const isRange = start !== undefined || end !== undefined;
    const range = `bytes=${start ?? 0}-${end === undefined ? '' : end - 1}`;
    const response = await this.#send('GET', key, { headers: isRange ? { range } : {}, signal });
    if (response.statusCode === 404) throw new ObjectNotFound('http', key);
    yield* response as AsyncIterable<Uint8Array>;
  }

  async write(
    key: string,
    source: AsyncIterable<Uint8Array> | Uint8Array,
    { ifAbsent = false, signal }: WriteOptions = {},
  ): Promise<ObjectInfo> {
    if (ifAbsent && (await this.stat(key))) throw new PreconditionFailed('http', key);
    const sent = request(this.#urlOf(key), { method: 'PUT', agent: this.#agent, signal });
    const [response] = (await Promise.all([
      once(sent, 'response'),
      pipeline(Readable.from(source instanceof Uint8Array ? [source] : source), sent),
    ]).then(([[first]]) => [first])) as [IncomingMessage];
    await response.resume().toArray();
    return (await this.stat(key))!;
  }

  async delete(key: string): Promise<void> {
    (await this.#send('DELETE', key)).resume();
  }

  #urlOf(key: string): string {
    return `${this.#origin}/${encodeURIComponent(key)}`;
  }

  async #send(
    method: string,
    key: string,
    options: { headers?: Record<string, string>; signal?: AbortSignal | undefined } = {},
  ): Promise<IncomingMessage> {
    const sent = request(this.#urlOf(key), { method, agent: this.#agent, ...options });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  }
}
