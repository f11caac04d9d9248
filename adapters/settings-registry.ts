import type { AdapterSettings } from './built-in-adapters.ts';

/**
 * One line per built-in adapter: its settings without its code, so that a process that only writes entities loads no solver and no
 * runtime.
 */
const SETTINGS: Readonly<Record<string, () => Promise<AdapterSettings>>> = {
  'modelfn/svm': async () => {
    const { SVM_DEFAULTS, checkConfiguration } = await import('./svm/configuration.ts');
    return { defaults: SVM_DEFAULTS, checkConfiguration };
  },
  'modelfn/inception': async () => {
    const { INCEPTION_DEFAULTS, checkConfiguration } = await import('./inception/configuration.ts');
    return { defaults: INCEPTION_DEFAULTS, checkConfiguration };
  },
  'modelfn/onnx': async () => {
    const { ONNX_DEFAULTS, checkConfiguration } = await import('./onnx/configuration.ts');
    return { defaults: ONNX_DEFAULTS, checkConfiguration };
  },
  'modelfn/yolov5': async () => {
    const { YOLOV5_DEFAULTS, checkConfiguration } = await import('./yolov5/configuration.ts');
    return { defaults: YOLOV5_DEFAULTS, checkConfiguration };
  },
};

/** The settings of a built-in adapter by its entry point; `undefined` for any other adapter. */
export async function findBuiltInSettings(entryPoint: string): Promise<AdapterSettings | undefined> {
  return Object.hasOwn(SETTINGS, entryPoint) ? SETTINGS[entryPoint]!() : undefined;
}
