import type { BuiltInAdapters } from '../../adapters/built-in-adapters.ts';
import { LOCAL_ACTOR } from '../auth/actor.ts';
import { type CapturedEnvironment, captureEnvironment } from '../config.ts';
import { toErrorBody } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import { openPlatform } from '../open-platform.ts';
import { withPatientBuckets } from '../patience/patient-platform.ts';
import type { Platform } from '../platform.ts';
import { maskError, redactorOf } from '../redact.ts';
import { EntityCache } from '../resolve/entity-cache.ts';
import { noticeDirectWrites } from '../snapshots/direct-writes.ts';
import { FileCache } from '../snapshots/files/file-cache.ts';
import { LoadedSnapshots } from '../snapshots/loaded-snapshots.ts';
import { modelOf } from '../snapshots/snapshot-model.ts';
import { EntityNotFound } from '../store/errors.ts';
import { callFromEventBridge, callFromQueue } from './callers/event.ts';
import { eventKindOf } from './callers/event-kind.ts';
import { carriesCloudEvents, isCloudEvent } from './callers/is-cloud-event.ts';
import { callFromPipeline } from './callers/pipeline.ts';
import { callFromSchedule } from './callers/schedule.ts';
import { currentRun } from './current-run.ts';
import { deadlineOf } from './deadline.ts';
import { errorReply } from './error-reply.ts';
import type { FunctionContext } from './function-context.ts';
import type { FunctionSpec, InputSpecs } from './function-spec.ts';
import type { Container } from './run.ts';
import { currentRunApi } from './run-api.ts';

/** The entry of a deployed function. */
export type Handler = (event: unknown, context?: FunctionContext) => Promise<unknown>;

/** Puts together what a container keeps between invocations. */
export function createContainer(platform: Platform, adapters: BuiltInAdapters): Container {
  const builtIns = withRunApi(adapters);
  const cache = new FileCache({ directory: platform.cacheDirectory, maxBytes: platform.config.cacheBytes });
  return {
    platform,
    builtIns,
    entities: new EntityCache(),
    files: cache,
    loaded: new LoadedSnapshots(withPatientBuckets(platform), builtIns, cache),
  };
}

/** Adapters that run in processes of their own reach the entity API through the run that calls them. */
function withRunApi(adapters: BuiltInAdapters): BuiltInAdapters {
  return {
    has: (entryPoint) => adapters.has(entryPoint),
    load: (entryPoint) => adapters.load(entryPoint),
    host: (code, signal) =>
      adapters.host?.(
        {
          ...code,
          currentApi: currentRunApi,
          currentLog: () => currentRun()?.log,
          onInstall: reportInstall(code.log),
        },
        signal,
      ),
  };
}

/** Shows the lines of an installation in the log and the progress of the run that began it. */
function reportInstall(log: Log): (line: string) => void {
  const run = currentRun();
  return (line) => {
    (run?.log ?? log).info(`install: ${line}`);
    run?.progress(0, `install: ${line.slice(0, 200)}`);
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
  given?: () => Promise<Platform>,
): Handler {
  const captured = captureEnvironment();
  const open = given ?? (() => openPlatform(captured.config()));
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
      return errorReply(error, captured.redact());
    }
    return http(event, context);
  };
  const fromBroker = async (request: JsonObject, context: FunctionContext) => {
    try {
      const [opened, { callFromCloudEvents, cloudEventsOf }] = await Promise.all([
        container(),
        import('./callers/cloud-event.ts'),
      ]);
      const deadline = deadlineOf(opened.platform, context);
      return await callFromCloudEvents(opened, spec, cloudEventsOf(request), deadline);
    } catch (error) {
      return errorReply(error, captured.redact());
    }
  };
  void warm(captured, container);
  const answer: Handler = async (event, context = {}) => {
    const kind = eventKindOf(event);
    const payload = event as JsonObject;
    if (kind === 'http' && carriesCloudEvents(payload)) return fromBroker(payload, context);
    if (kind === 'http') return overHttp(payload, context);
    const opened = await container();
    const deadline = deadlineOf(opened.platform, context);
    if (kind === 'schedule') return callFromSchedule(opened, spec, payload, deadline);
    if (kind === 'pipeline') return callFromPipeline(opened, spec, payload, deadline);
    if ('Records' in payload) return callFromQueue(opened, spec, payload, deadline);
    if (!isCloudEvent(payload)) return callFromEventBridge(opened, spec, payload, deadline);
    const { callFromCloudEvent } = await import('./callers/cloud-event.ts');
    return callFromCloudEvent(opened, spec, payload, deadline);
  };
  return async (event, context) => {
    try {
      return await answer(event, context);
    } catch (error) {
      const opened = await opening?.catch(() => undefined);
      throw maskError(error, opened ? redactorOf(opened.platform.config) : captured.redact());
    } finally {
      const opened = await opening?.catch(() => undefined);
      await opened?.platform.relay?.settle();
    }
  };
}

/**
 * Loads the pinned snapshot during init. A failure is logged here and told by the first event that needs the snapshot,
 * which tries the same again. When the snapshot moves on meanwhile, the event asks for the later revision and gets it.
 */
async function warm(captured: CapturedEnvironment, container: () => Promise<Container>): Promise<void> {
  let pinned: string | undefined;
  let log: Log | undefined;
  try {
    pinned = captured.config().pinnedSnapshot;
    if (pinned === undefined) return;
    const opened = await container();
    log = opened.platform.log;
    const snapshot = await opened.platform.store.get('Snapshot', pinned);
    if (snapshot === undefined)
      throw new EntityNotFound({
        kind: 'Snapshot',
        reference: pinned,
        field: 'MODELFN_SNAPSHOT',
        advice: 'Set it to the id of a snapshot of this store.',
      });
    const { platform, files: cache } = opened;
    const current = await noticeDirectWrites(platform, snapshot, { actor: LOCAL_ACTOR, cache });
    await opened.loaded.use(current, await modelOf(opened, current), () => undefined);
  } catch (error) {
    log?.warn('the pinned snapshot could not be loaded during init', {
      snapshotId: pinned ?? null,
      error: toErrorBody(error).message,
    });
  }
}
