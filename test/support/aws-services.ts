import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that a function sent to a service of AWS. */
export interface SentRequest {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** The services of AWS that a function calls, as far as it needs them: they note what they were sent and accept it. */
export class AwsServices {
  readonly requests: SentRequest[] = [];
  /** What the next requests are answered, if not that they were accepted. */
  readonly answers: { status: number; body: string }[] = [];
  readonly #server: Server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    this.requests.push({ path: request.url ?? '', headers: request.headers, body });
    const { status, body: text } = this.answers.shift() ?? { status: 202, body: '{}' };
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
