import type { BuiltInAdapters } from '../../adapters/built-in-adapters.ts';
import { readConfig } from '../config.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { openPlatform } from '../open-platform.ts';
import type { Platform } from '../platform.ts';
import { EntityCache } from '../resolve/entity-cache.ts';
import { FileCache } from '../snapshots/files/file-cache.ts';
import { LoadedSnapshots } from '../snapshots/loaded-snapshots.ts';
import { callFromEventBridge, callFromQueue } from './callers/event.ts';
import { eventKindOf } from './callers/event-kind.ts';
import { callFromPipeline } from './callers/pipeline.ts';
import { callFromSchedule } from './callers/schedule.ts';
import { deadlineOf } from './deadline.ts';
import { errorReply } from './error-reply.ts';
import type { FunctionContext } from './function-context.ts';
import type { FunctionSpec, InputSpecs } from './function-spec.ts';
import type { Container } from './run.ts';

/** The entry of a deployed function. */
export type Handler = (event: unknown, context?: FunctionContext) => Promise<unknown>;

/** Puts together what a container keeps between invocations. */
export function createContainer(platform: Platform, builtIns: BuiltInAdapters): Container {
  const cache = new FileCache({ directory: platform.cacheDirectory, maxBytes: platform.config.cacheBytes });
  return {
    platform,
    builtIns,
    entities: new EntityCache(),
    files: cache,
    loaded: new LoadedSnapshots(platform, builtIns, cache),
  };
}

/**
 * The handler of one function for all callers: the kind of event is decided first, and Express is imported when the
 * first HTTP request comes. The platform is opened once a container; when that fails, the next event tries again. A
 * container pinned to a snapshot begins to load it before any event came.
 */
export function createHandler<S extends InputSpecs>(
  spec: FunctionSpec<S>,
  builtIns: BuiltInAdapters,
  open: () => Promise<Platform> = () => openPlatform(readConfig()),
): Handler {
  let opening: Promise<Container> | undefined;
  const container = (): Promise<Container> => {
    opening ??= open()
      .then((platform) => createContainer(platform, builtIns))
      .catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
    return opening;
  };
  let http: ((event: JsonObject, context: FunctionContext) => Promise<unknown>) | undefined;
  const overHttp = async (event: JsonObject, context: FunctionContext) => {
    try {
      const [opened, { createHttpCaller }] = await Promise.all([container(), import('./callers/http.ts')]);
      http ??= createHttpCaller(opened, spec);
    } catch (error) {
      return errorReply(error);
    }
    return http(event, context);
  };
  void warm(container);
  return async (event, context = {}) => {
    const kind = eventKindOf(event);
    const payload = event as JsonObject;
    if (kind === 'http') return overHttp(payload, context);
    const opened = await container();
    const deadline = deadlineOf(opened.platform, context);
    if (kind === 'schedule') return callFromSchedule(opened, spec, payload, deadline);
    if (kind === 'pipeline') return callFromPipeline(opened, spec, payload, deadline);
    return isJsonObject(payload) && 'Records' in payload
      ? callFromQueue(opened, spec, payload, deadline)
      : callFromEventBridge(opened, spec, payload, deadline);
  };
}

/** Loads the pinned snapshot during init. A failure is told by the first event that needs the snapshot. */
async function warm(container: () => Promise<Container>): Promise<void> {
  try {
    const pinned = readConfig().pinnedSnapshot;
    if (pinned === undefined) return;
    const { platform, loaded } = await container();
    const snapshot = await platform.store.get('Snapshot', pinned);
    const model = snapshot && (await platform.store.get('Model', snapshot.modelId));
    if (snapshot && model) await loaded.acquire(snapshot, model);
  } catch {
    // Told where it matters: the same load is tried by the event that needs it.
  }
}
