import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that a function sent to a service of AWS. */
export interface SentRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface ServiceAnswer {
  status: number;
  body: string;
}

/** The action of a request in AWS's JSON protocol, e.g. `AWSEvents.PutEvents`. */
export function actionOf({ headers }: SentRequest): string {
  return String(headers['x-amz-target']);
}

/** A bus that takes every entry. */
export function takesEvents(request: SentRequest): ServiceAnswer | undefined {
  if (actionOf(request) !== 'AWSEvents.PutEvents') return undefined;
  const { Entries } = JSON.parse(request.body) as { Entries: object[] };
  const taken = Entries.map((_entry, index) => ({ EventId: String(index) }));
  return { status: 200, body: JSON.stringify({ FailedEntryCount: 0, Entries: taken }) };
}

/** The services of AWS that a function calls, as far as it needs them: they note what they were sent and accept it. */
export class AwsServices {
  readonly requests: SentRequest[] = [];
  /** What the next requests are answered, if not that they were accepted. */
  readonly answers: ServiceAnswer[] = [];
  /** What they answer when no answer is laid down; undefined where they just accept. */
  respond: (request: SentRequest) => ServiceAnswer | undefined = takesEvents;
  readonly #server: Server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const sent = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
    this.requests.push(sent);
    const answer = this.answers.shift() ?? this.respond(sent) ?? { status: 202, body: '{}' };
    const { status, body: text } = answer;
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
