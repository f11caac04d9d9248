import { basename, join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { cpusGiven } from '../../shared/config.ts';
import { messageOf } from '../../shared/errors.ts';
import type { TensorElements } from '../model-adapter.ts';
import { OnnxModelInvalid, OnnxRunFailed } from './errors.ts';
import { inspectModel } from './inspect-model.ts';
import { type ModelFacts, readModelFacts } from './model-facts.ts';
import { findOptimised } from './optimised-cache.ts';
import type { FeedData, Port } from './tensor-data.ts';

/** An output of a run. */
export interface OutputTensor {
  readonly data: TensorElements;
  readonly dims: readonly number[];
}

/** A model that is ready to run. It holds native memory until it is released. */
export interface OnnxSession {
  /** Name of the file without its folder. */
  readonly file: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly facts: ModelFacts;
  /** Runs the model; `wanted` are names of outputs. The thread is busy meanwhile. @throws OnnxRunFailed */
  run(
    feeds: Readonly<Record<string, FeedData>>,
    wanted: readonly string[],
  ): Promise<Map<string, OutputTensor>>;
  /** Gives the memory back; running afterwards is OnnxRunFailed. May be called twice. */
  release(): Promise<void>;
}

/**
 * Opens a model by its path: a copy of the weights less than from a buffer. Optimisation is pinned at `all`, at which outputs
 * do not depend on threads or the size of the batch. `threads`: the cores given when missing; more would wait for each other.
 * With `cacheDirectory` the optimised graph is kept there for the next process.
 * @throws OnnxModelInvalid, OnnxExternalDataRefused
 */
export async function openSession(
  path: string,
  threads: number = cpusGiven(),
  cacheDirectory?: string,
): Promise<OnnxSession> {
  const file = basename(path);
  const { hasExternalData } = inspectModel(path);
  const facts = readModelFacts(path);
  const runtime = await loadRuntime();
  const { Tensor: tensors } = runtime;
  const folder = hasExternalData ? undefined : cacheDirectory;
  let session: InferenceSession;
  try {
    session = await createSession(runtime, path, threads, folder);
  } catch (error) {
    throw new OnnxModelInvalid(file, `the runtime says: ${withoutPaths(error, path)}`, error);
  }
  let open: InferenceSession | undefined = session;
  return {
    file,
    inputs: session.inputMetadata.map(toPort),
    outputs: session.outputMetadata.map(toPort),
    facts,
    async run(feeds, wanted) {
      const given = Object.entries(feeds).map(([name, data]) => [name, toRuntime(tensors, data)] as const);
      try {
        const found = await session.run(Object.fromEntries(given), [...wanted]);
        return new Map(wanted.map((name) => [name, toOutput(found[name] as Tensor)]));
      } catch (error) {
        throw new OnnxRunFailed(file, withoutPaths(error, path), error);
      }
    },
    async release() {
      const mine = open;
      open = undefined;
      await mine?.release();
    },
  };
}

/**
 * The runtime's own form. Numbers of 16 bits go in as their bits: its binding takes a Float16Array for one of no bytes
 * (github.com/microsoft/onnxruntime/pull/32323), and its Tensor makes one of whatever is said to be float16.
 */
function toRuntime(tensors: typeof Tensor, { type, data, dims }: FeedData): Tensor {
  if (!(data instanceof Float16Array)) return new tensors(type as 'float32', data as never, dims);
  const bits = new Uint16Array(data.buffer, data.byteOffset, data.length);
  return Object.defineProperty(new tensors('uint16', bits, dims), 'type', { value: type });
}

/** From the optimised graph of an earlier process where there is one: the same graph, and so the same bits. */
async function createSession(
  { InferenceSession: sessions, env }: Runtime,
  path: string,
  threads: number,
  cacheDirectory: string | undefined,
): Promise<InferenceSession> {
  const options = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // Errors are thrown; its warnings on stderr would be noise in the log.
    logSeverityLevel: 4,
    // Threads spin for their next piece while the model runs, and sleep when the run is over: decoding has the cores then.
    extra: { session: { force_spinning_stop: '1' } },
  } as const;
  const cached =
    cacheDirectory === undefined
      ? undefined
      : await findOptimised(join(cacheDirectory, 'onnx'), path, JSON.stringify(env.versions));
  if (cached?.path !== undefined)
    try {
      return await sessions.create(cached.path, { ...options, graphOptimizationLevel: 'disabled' });
    } catch {
      await cached.discard();
    }
  const session = await sessions.create(path, {
    ...options,
    graphOptimizationLevel: 'all',
    ...(cached && { optimizedModelFilePath: cached.fresh }),
  });
  await cached?.commit();
  return session;
}

type Runtime = Awaited<ReturnType<typeof loadRuntime>>;

/** A native library of 20 MB: functions that meet no ONNX model do not load it. */
async function loadRuntime() {
  const { default: runtime } = await import('onnxruntime-node');
  return runtime;
}

function toPort(metadata: InferenceSession.ValueMetadata): Port {
  return metadata.isTensor
    ? { name: metadata.name, type: metadata.type, shape: metadata.shape }
    : { name: metadata.name, type: undefined, shape: [] };
}

function toOutput({ data, dims, type }: Tensor): OutputTensor {
  if (typeof type === 'string' && type.endsWith('64') && type !== 'float64')
    return { data: Float64Array.from(data as BigInt64Array, Number), dims };
  // Told as numbers where the runtime knows of such arrays, or else as their bits.
  if (type === 'float16' && data instanceof Uint16Array)
    return { data: new Float16Array(data.buffer as ArrayBuffer, data.byteOffset, data.length), dims };
  return { data: data as Float32Array, dims };
}

/** What the runtime says, without folders of this machine and places in its own source. */
function withoutPaths(error: unknown, path: string): string {
  return messageOf(error)
    .replaceAll(path, basename(path))
    .replace(/\/onnxruntime_src\/\S+\s(?:[^\n]*?\)\s)?/g, '')
    .split('\n', 1)[0]!
    .slice(0, 400)
    .replace(/[.\s]+$/, '');
}
