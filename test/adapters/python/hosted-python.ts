import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { HostedCode } from '../../../adapters/built-in-adapters.ts';
import type { ModelAdapter } from '../../../adapters/model-adapter.ts';
import { findInterpreter } from '../../../adapters/python/interpreter.ts';
import { hostPython } from '../../../adapters/python/python-adapter.ts';
import { type PythonSettings, readConfig } from '../../../shared/config.ts';
import { jsonLog, silentLog } from '../../../shared/log.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';

/** Why the tests of this room cannot run here; `undefined` where there is a Python. */
export const pythonProblem: string | undefined = await findInterpreter(readConfig().python).then(
  () => undefined,
  (error: Error) => error.message,
);

/** A module with all functions an adapter has to have; `lines` go over them. */
export function moduleWith(lines: string): string {
  return `
def load(directory, configuration, labels): pass
def train(data, context): pass
def predict(batch): return [[{"label": "low", "confidence": 0.5}] for _ in batch]
def save(directory): pass
${lines}
`;
}

/** Folder of an example. */
export function exampleFolder(name: string): string {
  return join(import.meta.dirname, '..', '..', '..', 'examples', name);
}

/** Code of an example that has no requirements. */
export function exampleCode(name: string): HostedCode {
  return {
    directory: exampleFolder(name),
    entryPoint: 'model.py',
    className: 'ModelAdapter',
    cacheDirectory: tmpdir(),
    python: readConfig().python,
    log: silentLog,
  };
}

export interface Hosted {
  code: HostedCode;
  /** Lines the process printed, as they came. */
  printed: string[];
  /** Resolves when a line that holds the text was printed. */
  whenPrinted(text: string): Promise<void>;
}

/** Code of these files in a temporary folder. */
export function pythonCode(
  files: Record<string, string>,
  {
    settings = {},
    className = 'ModelAdapter',
  }: { settings?: Partial<PythonSettings>; className?: string } = {},
): Hosted {
  const directory = temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  const printed: string[] = [];
  const waiting = new Set<() => void>();
  const log = jsonLog('info', (line) => {
    const { line: text } = JSON.parse(line) as { line?: string };
    if (text !== undefined) printed.push(text);
    for (const check of waiting) check();
  });
  const python = { ...readConfig().python, ...settings };
  const cacheDirectory = temporaryFolder();
  const code = { directory, entryPoint: 'model.py', className, cacheDirectory, python, log };
  const whenPrinted = (text: string) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (printed.some((line) => line.includes(text))) resolve();
      };
      waiting.add(check);
      check();
    });
  return { code, printed, whenPrinted };
}

/** An instance of the code's class; its process ends with the test. */
export async function hosted({ code }: Hosted): Promise<ModelAdapter> {
  const adapterClass = await hostPython(code);
  const adapter = new adapterClass({ configuration: adapterClass.defaults, labels: ['low', 'high'] });
  onTestFinished(async () => adapter.unload?.());
  return adapter;
}

/** The same with weights loaded from an empty folder. */
export async function loadedFrom(python: Hosted): Promise<ModelAdapter> {
  const adapter = await hosted(python);
  await adapter.load(temporaryFolder());
  return adapter;
}

/** A sample as `prepare` makes it. */
export function sample(content: string | Uint8Array, filename = '/one.json'): unknown {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return { item: { id: 'id', datasetId: 'd', filename, name: 'one', dir: '/', metadata: {} }, bytes };
}

export const ENDLESS = { signal: new AbortController().signal };
