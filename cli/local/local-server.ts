import { join } from 'node:path';
import { firePipelines } from '../../shared/catalog/pipeline-triggers.ts';
import { systemClock } from '../../shared/clock.ts';
import { type Config, toEnvironment } from '../../shared/config.ts';
import { systemIds } from '../../shared/ids.ts';
import type { Log } from '../../shared/log.ts';
import type { Platform } from '../../shared/platform.ts';
import { maskedLog, redactorOf } from '../../shared/redact.ts';
import { ApiProcess } from './api-process.ts';
import { buildFunctions, functionNames } from './build.ts';
import { CronClock } from './cron-clock.ts';
import { FunctionNotFound } from './errors.ts';
import { EventDispatcher } from './event-dispatcher.ts';
import { FunctionHost } from './function-host.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { type HomeLock, lockHome } from './home-lock.ts';
import { requireLoopback } from './loopback-guard.ts';
import { PipelineRunner } from './pipeline-runner.ts';
import { RunReaper } from './run-reaper.ts';

export interface LocalServerOptions {
  config: Readonly<Config>;
  platform: Pick<Platform, 'store' | 'clock'>;
  /** Folder with `functions/`; the bundles go to its `dist/`. */
  root: string;
  log: Log;
  /** Function name -> absolute path of its bundle, where they are built already. */
  bundles?: ReadonlyMap<string, string>;
  /** Takes requests from other machines, without asking who they are: for a container behind an ingress. */
  exposed?: boolean;
}

export interface LocalServer {
  url: string;
  host: FunctionHost;
  dispatcher: EventDispatcher;
  pipelines: PipelineRunner;
  /**
   * Takes no more requests and events; what is under way has `graceMs` to finish, then its processes are ended. What was
   * cut off is delivered again, or can be repeated. May be called twice.
   */
  close(graceMs?: number): Promise<void>;
}

/** The function that serves the entity API by itself instead of by events. */
const API = 'api';

/** What carries things on between services of AWS: the parts below do so on one machine. */
const CLOUD_ONLY = ['relay'];

const DEFAULT_GRACE_MS = 10_000;

/**
 * Runs the deployed bundles on this machine: gateway, functions in processes of their own, and the delivery of events.
 * What is not current is built first.
 * @throws HostRefused, PortInUse, CannotListen, AlreadyRunning, HomeUnusable, BuildFailed; FunctionNotFound without an `api`
 */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  if (!options.exposed) requireLoopback(options.config.host);
  const lock = lockHome(options.config.home);
  try {
    return await start(options, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function start(
  { config, platform, root, log: plainLog, bundles: given, exposed = false }: LocalServerOptions,
  lock: HomeLock,
): Promise<LocalServer> {
  const log = maskedLog(plainLog, redactorOf(config));
  const bundles = new Map(given ?? (await build(root, log)));
  const env = toEnvironment(config);
  const apiBundle = bundles.get(API);
  if (apiBundle === undefined) throw new FunctionNotFound(API, [...bundles.keys()]);
  const api = new ApiProcess({ functionName: API, bundle: apiBundle, env, log });
  for (const name of [API, ...CLOUD_ONLY]) bundles.delete(name);
  const host = new FunctionHost({ bundles, workersPerFunction: config.workersPerFunction, env, log });
  const gateway = await startGateway({
    host: config.host,
    port: config.port,
    functions: host,
    apiSocket: () => api.socket(),
    log,
    exposed,
  });
  const deadLetterPath = join(config.home, 'dead-letters.jsonl');
  const { store } = platform;
  const shop = { store, clock: systemClock, ids: systemIds(), log };
  const dispatcher = new EventDispatcher({
    store: platform.store,
    functions: host,
    deadLetterPath,
    before: (events) => firePipelines(shop, events),
    batchesAtOnce: config.workersPerFunction,
    log,
  });
  const pipelines = new PipelineRunner({ platform, functions: host, log });
  const cron = new CronClock({ platform: shop, log });
  const reaper = new RunReaper({ platform: shop, functions: host, log });
  // Before the dispatcher: what it takes out of the outbox is not resumed as well.
  await reaper.look();
  lock.announce(gateway.url);
  // The first page need not wait for the process. A failure is told by the request that meets it.
  api.socket().catch(() => {});
  void dispatcher.wake();
  void pipelines.wake();
  void cron.look();
  let closing: Promise<void> | undefined;
  return {
    url: gateway.url,
    host,
    dispatcher,
    pipelines,
    close: (graceMs = DEFAULT_GRACE_MS) => {
      closing ??= closeAll({ gateway, cron, reaper, dispatcher, pipelines, host, api, lock }, graceMs);
      return closing;
    },
  };
}

interface Parts {
  gateway: Gateway;
  cron: CronClock;
  reaper: RunReaper;
  dispatcher: EventDispatcher;
  pipelines: PipelineRunner;
  host: FunctionHost;
  api: ApiProcess;
  lock: HomeLock;
}

/** Dispatcher and pipelines begin nothing more at once, and are done when the host has let what is under way end or ended it. */
async function closeAll(
  { gateway, cron, reaper, dispatcher, pipelines, host, api, lock }: Parts,
  graceMs: number,
): Promise<void> {
  await Promise.all([cron.close(), reaper.close()]);
  const dispatched = Promise.all([dispatcher.close(), pipelines.close()]);
  await gateway.close(graceMs);
  await host.close(graceMs);
  await Promise.all([dispatched, api.close()]);
  lock.release();
}

async function build(root: string, log: Log): Promise<[name: string, bundle: string][]> {
  const names = (await functionNames(root)).filter((name) => !CLOUD_ONLY.includes(name));
  const built = await buildFunctions({ root, outdir: join(root, 'dist'), names, log });
  return built.map(({ name, bundle }) => [name, bundle]);
}
