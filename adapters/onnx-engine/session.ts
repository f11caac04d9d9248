import { basename } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { cpusGiven } from '../../shared/config.ts';
import { messageOf } from '../../shared/errors.ts';
import { OnnxModelInvalid, OnnxRunFailed } from './errors.ts';
import { inspectModel } from './inspect-model.ts';

/** An input or output of a model. */
export interface Port {
  readonly name: string;
  /** `float32`, `uint8`, `int64`...; `undefined` when it is no tensor. */
  readonly type: string | undefined;
  /** Sizes; a text names one that is free, such as that of the batch. */
  readonly shape: readonly (number | string)[];
}

/** A tensor in memory, row by row. */
export interface TensorData {
  readonly data: Float32Array | Uint8Array;
  readonly dims: readonly number[];
}

/** An output of a run. */
export interface OutputTensor {
  readonly data: ArrayLike<number>;
  readonly dims: readonly number[];
}

/** A model that is ready to run. It holds native memory until it is released. */
export interface OnnxSession {
  /** Name of the file without its folder. */
  readonly file: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Runs the model; `wanted` are names of outputs. The thread is busy meanwhile. @throws OnnxRunFailed */
  run(
    feeds: Readonly<Record<string, TensorData>>,
    wanted: readonly string[],
  ): Promise<Map<string, OutputTensor>>;
  /** Gives the memory back; running afterwards is OnnxRunFailed. May be called twice. */
  release(): Promise<void>;
}

/**
 * Opens a model by its path: a copy of the weights less than from a buffer. Optimisation is pinned at `all`, at which outputs
 * do not depend on threads or the size of the batch. `threads`: the cores given when missing; more would wait for each other.
 * @throws OnnxModelInvalid, OnnxExternalDataRefused
 */
export async function openSession(path: string, threads: number = cpusGiven()): Promise<OnnxSession> {
  const file = basename(path);
  inspectModel(path);
  const { InferenceSession: runtime, Tensor: tensors } = await loadRuntime();
  let session: InferenceSession | undefined;
  try {
    session = await runtime.create(path, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // Errors are thrown; its warnings on stderr would be noise in the log.
      logSeverityLevel: 4,
    });
  } catch (error) {
    throw new OnnxModelInvalid(file, `the runtime says: ${withoutPaths(error, path)}`, error);
  }
  let open: InferenceSession | undefined = session;
  return {
    file,
    inputs: session.inputMetadata.map(toPort),
    outputs: session.outputMetadata.map(toPort),
    async run(feeds, wanted) {
      const given = Object.entries(feeds).map(([name, { data, dims }]) => {
        const type = data instanceof Float32Array ? 'float32' : 'uint8';
        return [name, new tensors(type, data, dims)] as const;
      });
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
