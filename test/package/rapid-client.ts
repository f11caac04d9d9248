import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import Module from 'node:module';

/**
 * The Runtime API over Node's own HTTP, in place of the runtime client's native addon: three calls. Everything else in
 * the process is AWS's own. Given to Node with `--import`.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API!.split(':');
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

interface Answer {
  bodyJson: string;
  headers: IncomingHttpHeaders;
}

function call(
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = request(
    {
      host,
      port,
      method,
      agent,
      path: `/2018-06-01/runtime${path}`,
      headers: body === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(body) },
    },
    (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ bodyJson: text, headers: response.headers }));
    },
  );
  sent.on('error', reject).end(body);
  return promise;
}

const json = { 'content-type': 'application/json' };
let pending: Promise<unknown> = Promise.resolve();
const client = {
  next: async () => {
    await pending;
    return call('GET', '/invocation/next');
  },
  done: (id: string, body: string) => {
    pending = call('POST', `/invocation/${id}/response`, body, json);
  },
  error: (id: string, body: string, xray: string) => {
    const headers = { ...json, 'lambda-runtime-function-xray-error-cause': xray };
    pending = call('POST', `/invocation/${id}/error`, body, headers);
  },
};

const loader = Module as unknown as { _load(name: string, ...rest: unknown[]): unknown };
const load = loader._load;
loader._load = (name, ...rest) =>
  name.endsWith('rapid-client.node') ? client : load.call(loader, name, ...rest);
