/**
 * Entry of a worker: a process that holds one function's bundle, as a Lambda container does, and runs its handler one
 * event at a time. Started by `worker-process.ts` with the function's name and its bundle.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { liveEnvironment } from '../../shared/config.ts';
import { isModelfnError, messageOf, toErrorBody } from '../../shared/errors.ts';
import type { FunctionContext } from '../../shared/invoke/function-context.ts';
import { jsonLog } from '../../shared/log.ts';
import { recordUnhandledRejections } from './unhandled-rejections.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

/** What a bundle exports: `handler`, or `listen` when it serves HTTP itself. */
interface Bundle {
  handler?: (event: unknown, context: FunctionContext) => Promise<unknown>;
  listen?: (socketPath: string) => Promise<unknown>;
}

const [functionName = '', bundlePath = ''] = process.argv.slice(2);

// A server that is gone, killed or not, leaves nobody to answer to.
process.on('disconnect', () => process.exit());
process.on('SIGTERM', () => process.exit());

recordUnhandledRejections(jsonLog('error'));

const bundle = await withHidden(readHidden(), load);
process.on('message', (message: ToWorker) => {
  const done = message.type === 'invoke' ? run(message) : listen(message);
  // The server is gone when it cannot be answered, and this process ends with the channel.
  done.catch(tell);
});
await send({ type: 'ready' });

/** Variables for modelfn's own code: the server writes them to stdin, which ends behind them. */
function readHidden(): Record<string, string> {
  return JSON.parse(readFileSync(0, 'utf8')) as Record<string, string>;
}

/**
 * Has the variables in the environment while the bundle is imported, which captures its configuration then. Adapters are
 * imported later, into this process, and do not find them.
 */
async function withHidden<T>(hidden: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const env = liveEnvironment();
  Object.assign(env, hidden);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(hidden)) delete env[name];
  }
}

async function load(): Promise<Bundle> {
  try {
    const loaded = (await import(pathToFileURL(bundlePath).href)) as Bundle;
    if (loaded.handler === undefined && loaded.listen === undefined)
      throw new Error('its handler.ts exports no handler');
    return loaded;
  } catch (error) {
    tell(error);
    await send({ type: 'notLoadable', reason: messageOf(error) });
    process.exit(1);
  }
}

async function run({ id, event, deadline }: ToWorker & { type: 'invoke' }): Promise<void> {
  try {
    if (bundle.handler === undefined) throw new Error(`${functionName} exports no handler`);
    await send({ type: 'begun', id });
    const result = await bundle.handler(event, contextOf(id, deadline));
    await send({ type: 'result', id, result: result ?? null });
  } catch (error) {
    if (!isModelfnError(error)) tell(error);
    const retryable = isModelfnError(error) && error.retryable;
    await send({ type: 'error', id, error: toErrorBody(error), retryable });
  }
}

async function listen({ socketPath }: ToWorker & { type: 'listen' }): Promise<void> {
  try {
    if (bundle.listen === undefined) throw new Error(`${functionName} exports no listen(socketPath)`);
    await bundle.listen(socketPath);
    await send({ type: 'listening' });
  } catch (error) {
    tell(error);
    await send({ type: 'notLoadable', reason: messageOf(error) });
    process.exit(1);
  }
}

function contextOf(id: string, deadline: number | null): FunctionContext {
  return {
    functionName,
    awsRequestId: id,
    getRemainingTimeInMillis: () =>
      deadline === null ? Number.POSITIVE_INFINITY : Math.max(0, deadline - Date.now()),
    dispatch: (payload) => send({ type: 'dispatch', payload }),
  };
}

function tell(error: unknown): void {
  process.stderr.write(`${inspect(error)}\n`);
}

/** Resolves when the message left this process. @throws what JSON cannot carry */
function send(message: FromWorker): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });
}
