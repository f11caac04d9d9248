import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { TestRepository } from './git-repository.ts';

/** What a server does instead of answering: nothing for `undefined`. */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: string }
  /** Ends the connection after so many bytes of git's answer. */
  | { cutAfterBytes: number }
  /** Does what was asked and then hangs up without a word. */
  | { hangUpAfterwards: true };

export interface SeenRequest {
  method: string;
  url: string;
  authorization: string | undefined;
}

/** A real git server over smart HTTP: node:http in front of `git http-backend`. */
export class GitServer {
  readonly root = temporaryFolder();
  readonly requests: SeenRequest[] = [];
  /** `user:password` everyone has to bring. */
  credentials: string | undefined;
  /** Asked at each request. */
  fault: (request: SeenRequest) => Fault | undefined | Promise<Fault | undefined> = () => undefined;
  readonly #server: Server;
  #made = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#serve(request, response);
    });
  }

  /** On a free port, until the test is over. */
  static async start(): Promise<GitServer> {
    const server = new GitServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    onTestFinished(() => server.close());
    return server;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A new empty repository and its address. */
  async repository(): Promise<{ repository: TestRepository; gitUrl: string }> {
    this.#made += 1;
    const name = `${this.#made}.git`;
    return { repository: await TestRepository.make(this.root, name), gitUrl: `${this.origin}/${name}` };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = {
      method: request.method!,
      url: request.url!,
      authorization: request.headers.authorization,
    };
    this.requests.push(seen);
    const expected = this.credentials && `Basic ${Buffer.from(this.credentials).toString('base64')}`;
    if (expected !== undefined && seen.authorization !== expected) {
      request.resume();
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('who are you?');
      return;
    }
    const fault = await this.fault(seen);
    if (fault && 'status' in fault) {
      request.resume();
      response.writeHead(fault.status, fault.headers).end(fault.body ?? '');
      return;
    }
    await this.#runBackend(request, response, fault);
  }

  /** CGI, RFC 3875: the request in the environment, a head of lines before the answer's body. */
  async #runBackend(
    request: IncomingMessage,
    response: ServerResponse,
    fault: Fault | undefined,
  ): Promise<void> {
    const url = new URL(request.url!, this.origin);
    const child = spawn('git', ['http-backend'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: this.root,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
        REQUEST_METHOD: request.method,
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        CONTENT_LENGTH: request.headers['content-length'] ?? '',
        REMOTE_ADDR: '127.0.0.1',
      },
    });
    child.stdin.on('error', () => {});
    request.pipe(child.stdin);
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
    const answer = Buffer.concat(chunks);
    const split = answer.indexOf('\r\n\r\n');
    const headers = Object.fromEntries(
      answer
        .toString('latin1', 0, split)
        .split('\r\n')
        .map((line) => [
          line.slice(0, line.indexOf(':')).toLowerCase(),
          line.slice(line.indexOf(':') + 1).trim(),
        ]),
    );
    if (fault && 'hangUpAfterwards' in fault) {
      response.destroy();
      return;
    }
    const body = answer.subarray(split + 4);
    response.writeHead(Number.parseInt(headers.status ?? '200', 10), {
      'content-type': headers['content-type'] ?? 'text/plain',
      'content-length': body.byteLength,
    });
    if (fault && 'cutAfterBytes' in fault)
      response.write(body.subarray(0, fault.cutAfterBytes), () => response.destroy());
    else response.end(body);
  }
}
