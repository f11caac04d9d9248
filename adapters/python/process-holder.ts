import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { relativePathProblem } from '../../shared/content/relative-path.ts';
import { walkFolder } from '../../shared/content/walk-folder.ts';
import { hasCode } from '../../shared/errors.ts';
import type { Json, JsonObject } from '../../shared/json.ts';
import { parse } from '../../shared/parse.ts';
import type { HostedCode } from '../built-in-adapters.ts';
import type {
  AdapterSetup,
  ConvertedItem,
  LayoutReader,
  LayoutWriter,
  PartitionData,
  Prediction,
  TrainContext,
  TrainingData,
  TrainResult,
} from '../model-adapter.ts';
import type { RequestOptions } from './child.ts';
import { PythonNotReady, PythonTimedOut } from './errors.ts';
import { ExpectedBatch } from './expected-batch.ts';
import { handOver, type PythonSample } from './hand-over.ts';
import { layOut } from './layout.ts';
import { convertedSchema, type HostEvent } from './messages.ts';
import { readPredictions } from './read-predictions.ts';
import type { Session } from './session.ts';
import { trainingCalls } from './training-calls.ts';

/** Loading, saving and converting have no signal: a function lives no longer than this. */
const CALL_LIMIT_MS = 15 * 60_000;

/** Batches that a process holds before their turn: the one that is about to be asked for, and the one after it. */
const MOST_EXPECTED = 2;

/** Starts a process, or takes the one that waits; aborted when nobody wants it any more. */
export type OpenSession = (over: AbortSignal) => Promise<Session>;

/**
 * Contents of an instance's process: nothing yet, nothing because the adapter has no weights, weights that can be loaded again, or
 * those of a training, which cannot.
 */
type State = 'empty' | 'weightless' | 'trained' | { loadedFrom: string };

/** The process behind one instance: started when it is needed, and again when it died with weights that can be loaded. */
export class ProcessHolder {
  readonly #code: HostedCode;
  readonly #open: OpenSession;
  readonly #setup: JsonObject;
  #session: Promise<Session> | undefined;
  #state: State;
  /** The process of `#session`, from before its weights are loaded. */
  #opened: Session | undefined;
  /** Batches that nobody asked for yet, the oldest first. */
  readonly #expected: ExpectedBatch[] = [];
  readonly #over = new AbortController();

  /** `needsLoad`: false for an adapter without `load`, which can be called at once. */
  constructor(
    code: HostedCode,
    open: OpenSession,
    { configuration, labels, entities }: AdapterSetup,
    needsLoad = true,
  ) {
    this.#code = code;
    this.#state = needsLoad ? 'empty' : 'weightless';
    this.#open = open;
    this.#setup = { configuration, labels: [...labels], entities: entities ? { ...entities } : null };
  }

  /** Answers the memory of the process, in bytes. */
  async load(directory: string): Promise<number> {
    this.#state = { loadedFrom: directory };
    try {
      return (await this.#ready('load')).child.rssBytes;
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  async train(data: TrainingData<unknown>, context: TrainContext): Promise<TrainResult> {
    const { signal, seed, resumeFrom, parent } = context;
    signal.throwIfAborted();
    context.progress(0, 'reading items');
    const session = await unlessAborted(this.#started(), signal);
    const folder = await mkdtemp(join(session.directory, 'train-'));
    try {
      const laidOut = await layOut(folder, [data.train, data.validation], signal);
      const params = {
        ...this.#setup,
        data: laidOut,
        seed,
        resumeFrom: resumeFrom ?? null,
        parent: parent ?? null,
      };
      const onEvent = (event: HostEvent) => {
        if (event.event === 'log') context.log(...event.samples.map(({ time: _, ...sample }) => sample));
        else context.progress(Math.min(1, Math.max(0, event.fraction)), event.message ?? undefined);
      };
      const calls = trainingCalls(context);
      const result = await calls.during(
        session.request('train', params, { signal, onEvent, onCall: calls.answer }),
      );
      signal.throwIfAborted();
      this.#state = 'trained';
      return result === 'yielded' ? 'yielded' : undefined;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** A process that dies is started again, once for each call. */
  async predict(samples: readonly PythonSample[], signal: AbortSignal): Promise<Prediction[][]> {
    try {
      return await this.#predict(samples, signal);
    } catch (error) {
      if (!hasCode(error, 'PythonDied') || !this.#canRestart()) throw error;
      signal.throwIfAborted();
      return this.#predict(samples, signal);
    }
  }

  /** Hands a batch to the process while it predicts another, so that it can begin with it. Never throws. */
  expect(samples: readonly PythonSample[]): void {
    const session = this.#opened;
    if (session?.child.isAlive !== true || !this.#canRestart()) return;
    this.#expected.push(new ExpectedBatch(session, samples));
    if (this.#expected.length > MOST_EXPECTED) void this.#expected.shift()!.discard();
  }

  async save(directory: string): Promise<void> {
    await this.#within('save', await this.#ready('save'), 'save', { directory });
  }

  async convert(data: PartitionData<unknown>, layout: LayoutWriter): Promise<void> {
    const session = await this.#started();
    const folder = await mkdtemp(join(session.directory, 'convert-'));
    try {
      const laidOut = await layOut(folder, [data], new AbortController().signal);
      const directory = join(folder, 'layout');
      await mkdir(directory);
      await this.#within('convert', session, 'convert', { ...this.#setup, data: laidOut, directory });
      for await (const { path, absolutePath } of walkFolder(directory))
        await layout.write(path, await readFile(absolutePath));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async *convertBack(layout: LayoutReader): AsyncGenerator<ConvertedItem> {
    const session = await this.#started();
    const folder = await mkdtemp(join(session.directory, 'convert-'));
    try {
      const directory = join(folder, 'layout');
      const output = join(folder, 'output');
      for (const each of [directory, output]) await mkdir(each);
      for (const path of await layout.list()) {
        if (relativePathProblem(path) !== undefined) continue;
        await mkdir(join(directory, path, '..'), { recursive: true });
        await writeFile(join(directory, path), await layout.read(path));
      }
      const said = await this.#within('convert_back', session, 'convert_back', { directory, output });
      const entries = parse(convertedSchema, said, `answer of convert_back of ${this.#code.entryPoint}`);
      for (const [index, { filename, label }] of entries.entries())
        yield {
          filename: `/${filename.replace(/^\/+/, '')}`,
          content: await readFile(join(output, String(index))),
          label: label ?? undefined,
        };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async end(): Promise<void> {
    this.#over.abort(this.#wasUnloaded());
    const session = this.#session;
    this.#session = undefined;
    // It may hang in a load: nobody waits for that.
    await this.#opened?.end();
    await session?.then(
      (each) => each.end(),
      () => undefined,
    );
  }

  async #predict(samples: readonly PythonSample[], signal: AbortSignal): Promise<Prediction[][]> {
    // Others may wait for the same start: it goes on, and this call ends with its run.
    const session = await unlessAborted(this.#ready('predict'), signal);
    const expected = this.#takeExpected(session, samples);
    const handed = (await expected?.handed) ?? (await handOver(session.directory, samples));
    try {
      let bytes: Uint8Array = new Uint8Array();
      const onBinary = (binary: Uint8Array) => {
        bytes = binary;
      };
      const { params, binary } = handed;
      const said = await session.request('predict', params, { binary, onBinary, signal });
      return readPredictions(said, bytes, this.#code.entryPoint);
    } finally {
      await handed.discard();
    }
  }

  #takeExpected(session: Session, samples: readonly PythonSample[]): ExpectedBatch | undefined {
    const index = this.#expected.findIndex((each) => each.isOf(session, samples));
    return index === -1 ? undefined : this.#expected.splice(index, 1)[0];
  }

  /** A living process. One that died, or grew above the limit between two requests, is replaced; with its weights, if it can be. */
  async #started(): Promise<Session> {
    for (;;) {
      this.#over.signal.throwIfAborted();
      const opening = this.#session;
      if (!opening) return this.#restart();
      const session = await opening.catch(() => undefined);
      if (session && !this.#isSpent(session)) return session;
      if (this.#session === opening) {
        this.#session = undefined;
        await session?.end();
      }
    }
  }

  #restart(): Promise<Session> {
    const opening = this.#begin();
    this.#session = opening;
    opening.catch(() => {
      if (this.#session === opening) this.#session = undefined;
    });
    return opening;
  }

  async #begin(): Promise<Session> {
    if (this.#state === 'trained') throw this.#lostTraining();
    const session = await this.#open(this.#over.signal);
    this.#opened = session;
    try {
      this.#over.signal.throwIfAborted();
      if (typeof this.#state === 'object') {
        await this.#within('load', session, 'load', { ...this.#setup, directory: this.#state.loadedFrom });
      }
      return session;
    } catch (error) {
      await session.end();
      throw error;
    }
  }

  async #ready(method: string): Promise<Session> {
    if (this.#state === 'empty')
      throw new PythonNotReady(this.#code.entryPoint, method, 'it has no weights yet');
    return this.#started();
  }

  /** True when another process can take over: it gets the same weights, or needs none. */
  #canRestart(): boolean {
    return typeof this.#state === 'object' || this.#state === 'weightless';
  }

  #isSpent({ child }: Session): boolean {
    if (!child.isAlive) return true;
    const limit = this.#code.python.memoryBytes;
    return limit !== undefined && this.#canRestart() && !child.isBusy && child.rssBytes > limit;
  }

  #wasUnloaded(): PythonNotReady {
    return new PythonNotReady(this.#code.entryPoint, 'this', 'it was unloaded');
  }

  #lostTraining(): PythonNotReady {
    return new PythonNotReady(this.#code.entryPoint, 'this', 'the process that trained it is gone');
  }

  async #within(
    name: string,
    session: Session,
    method: string,
    params: JsonObject,
    options: RequestOptions = {},
  ): Promise<Json> {
    const limit = AbortSignal.timeout(CALL_LIMIT_MS);
    try {
      return await session.request(method, params, { ...options, signal: limit });
    } catch (error) {
      throw limit.aborted ? new PythonTimedOut(this.#code.entryPoint, name, CALL_LIMIT_MS) : error;
    }
  }
}

/** @throws the signal's reason, as soon as it is aborted */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
