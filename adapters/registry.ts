import { ModelfnError } from '../shared/errors.ts';
import { nearest } from '../shared/nearest.ts';
import type { BuiltInAdapters, HostedCode, HostedSource } from './built-in-adapters.ts';
import type { ModelAdapterClass } from './model-adapter.ts';

/** One adapter that comes with modelfn. */
interface BuiltIn {
  className: string;
  description: string;
  load(): Promise<ModelAdapterClass>;
}

/** One line an adapter. Each is a chunk of its own: a function loads the one it needs, when it needs it. */
export const BUILT_IN: Readonly<Record<string, BuiltIn>> = {
  'modelfn/svm': {
    className: 'SvmAdapter',
    description: 'support vector machine (C-SVC, four kernels, probabilities) for images and tables',
    load: async () => (await import('./svm/svm-adapter.ts')).SvmAdapter,
  },
  'modelfn/inception': {
    className: 'InceptionAdapter',
    description: 'image classification, fine-tuned from a pre-trained parent in ONNX',
    load: async () => (await import('./inception/inception-adapter.ts')).InceptionAdapter,
  },
  'modelfn/onnx': {
    className: 'OnnxAdapter',
    description: 'any ONNX model of images or numbers, declared in the configuration',
    load: async () => (await import('./onnx/onnx-adapter.ts')).OnnxAdapter,
  },
  'modelfn/yolov5': {
    className: 'Yolov5Adapter',
    description: 'object detection with YOLOv5 exported to ONNX, sizes n to x',
    load: async () => (await import('./yolov5/yolov5-adapter.ts')).Yolov5Adapter,
  },
};

type Host = (code: HostedCode, signal?: AbortSignal) => Promise<ModelAdapterClass>;

/** What runs adapters that are not JavaScript, by the ending of their file. */
const HOSTS: Readonly<Record<string, () => Promise<Host>>> = {
  '.py': async () => (await import('./python/python-adapter.ts')).hostPython,
};

/** Reads the source of an adapter in Python. @throws PythonMissing, PythonAdapterUnusable */
export async function readPythonSource(
  code: Pick<HostedCode, 'directory' | 'entryPoint' | 'className' | 'python'>,
): Promise<HostedSource> {
  const { findInterpreter } = await import('./python/interpreter.ts');
  const { readSource } = await import('./python/read-source.ts');
  return readSource(code, await findInterpreter(code.python));
}

/** An entry point `modelfn/<name>` that there is not. */
export class BuiltInUnknown extends ModelfnError {
  override readonly name = 'BuiltInUnknown';
  readonly code = 'BuiltInUnknown';
  readonly statusCode = 422;
  constructor(entryPoint: string) {
    const known = Object.keys(BUILT_IN);
    super(
      `There is no built-in adapter ${entryPoint}; the nearest is ${nearest(entryPoint, known)}. There are: ${known.join(', ')}. For an adapter of your own, push its code with \`modelfn models push\`.`,
      { details: { entryPoint, known } },
    );
  }
}

/** The adapters of `BUILT_IN`, as invocations take them. */
export const builtInAdapters: BuiltInAdapters = {
  has: (entryPoint) => Object.hasOwn(BUILT_IN, entryPoint),
  async load(entryPoint) {
    if (!Object.hasOwn(BUILT_IN, entryPoint)) throw new BuiltInUnknown(entryPoint);
    return BUILT_IN[entryPoint]!.load();
  },
  host(code, signal) {
    const ending = /\.[^./]+$/.exec(code.entryPoint)?.[0] ?? '';
    if (!Object.hasOwn(HOSTS, ending)) return undefined;
    return HOSTS[ending]!().then((host) => host(code, signal));
  },
};
