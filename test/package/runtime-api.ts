import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '../../shared/json.ts';

/** What an invocation ended with, as Lambda hands it to the caller. */
export type Invoked =
  | { payload: Json; functionError?: undefined }
  | { payload: { errorType: string; errorMessage: string; trace?: string[] }; functionError: 'Unhandled' };

interface Waiting {
  id: string;
  event: Json;
  timeoutMs: number;
  arn: string;
  end(result: Invoked): void;
}

/**
 * The Runtime API of one Lambda container: hands the next event to whoever asks, and takes its answer.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export class RuntimeApi {
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));
  readonly #queue: Waiting[] = [];
  readonly #running = new Map<string, Waiting>();
  #asking: ServerResponse | undefined;
  /** Told when a process that is started cannot begin. */
  onInitError: (error: { errorType: string; errorMessage: string }) => void = () => undefined;

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Puts an event in line; resolves with what the function answered, or with what `fail` was told. */
  invoke(event: Json, { timeoutMs, arn }: { timeoutMs: number; arn: string }): Promise<Invoked> {
    const { promise, resolve } = Promise.withResolvers<Invoked>();
    this.#queue.push({ id: randomUUID(), event, timeoutMs, arn, end: resolve });
    this.#hand();
    return promise;
  }

  /** Ends what is under way or in line with an error: its process is gone. */
  fail(errorOf: (id: string) => { errorType: string; errorMessage: string }): void {
    this.#asking = undefined;
    for (const waiting of [...this.#running.values(), ...this.#queue.splice(0)])
      waiting.end({ functionError: 'Unhandled', payload: errorOf(waiting.id) });
    this.#running.clear();
  }

  /** The process that asked last is gone: nothing is handed to it. */
  forget(): void {
    this.#asking = undefined;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace('/2018-06-01/runtime', '');
    if (path === '/invocation/next') {
      this.#asking = response;
      return this.#hand();
    }
    const text = Buffer.concat(await request.toArray()).toString();
    response.writeHead(202).end('{}');
    const body = JSON.parse(text === '' ? 'null' : text) as Json;
    if (path === '/init/error') return this.onInitError(body as { errorType: string; errorMessage: string });
    const [, id = '', how] = /^\/invocation\/([\w-]+)\/(response|error)$/.exec(path) ?? [];
    const waiting = this.#running.get(id);
    this.#running.delete(id);
    waiting?.end(
      how === 'response'
        ? { payload: body }
        : { functionError: 'Unhandled', payload: body as { errorType: string; errorMessage: string } },
    );
  }

  #hand(): void {
    const response = this.#asking;
    const next = response && this.#queue.shift();
    if (!response || !next) return;
    this.#asking = undefined;
    this.#running.set(next.id, next);
    response
      .writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': next.id,
        'lambda-runtime-deadline-ms': String(Date.now() + next.timeoutMs),
        'lambda-runtime-invoked-function-arn': next.arn,
        'lambda-runtime-trace-id': 'Root=1-5759e988-bd862e3fe1be46a994272793',
      })
      .end(JSON.stringify(next.event));
  }
}
