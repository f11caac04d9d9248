import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelAdapter } from '../adapters/model-adapter.ts';
import { findInterpreter } from '../adapters/python/interpreter.ts';
import { hostPython } from '../adapters/python/python-adapter.ts';
import { readConfig } from '../shared/config.ts';
import { messageOf } from '../shared/errors.ts';
import { silentLog } from '../shared/log.ts';
import { markdownTable, shown, spreadOf } from './statistics.ts';

const ROUNDS = 300;
const WARM_UP = 50;
const SIZES = { '1 KB': 1000, '1 MB': 1_000_000, '4.9 MB': 4_915_200 } as const;

const MODULE = `
def load(directory, configuration, labels): pass
def train(data, context): pass
def save(directory): pass
def predict(batch): return [[{"label": str(len(item.bytes())), "confidence": 1}] for item in batch]
`;

/** What one prediction in Python costs beside the model: an item of some size there, a prediction back. Up to 1 MiB goes over the line, more as a file. */
export async function pythonBridge(): Promise<string> {
  const title = '## Python bridge';
  const { python } = readConfig();
  const found = await findInterpreter(python).catch((error: unknown) => messageOf(error));
  if (typeof found === 'string') return `${title}\n\nNot measured: ${found}`;
  const directory = await mkdtemp(join(tmpdir(), 'modelfn-bench-python-'));
  await writeFile(join(directory, 'model.py'), MODULE);
  const code = {
    directory,
    entryPoint: 'model.py',
    className: 'ModelAdapter',
    cacheDirectory: directory,
    python,
    log: silentLog,
  };
  const started = performance.now();
  const adapterClass = await hostPython(code);
  const adapter = new adapterClass({ configuration: {}, labels: [] });
  try {
    await adapter.load(directory);
    const startMs = performance.now() - started;
    const times = await roundTrips(adapter);
    return [
      title,
      `Milliseconds for one predict of a Python adapter that only looks at the length of its item, median of ${ROUNDS} interleaved calls and middle half. Python ${found.version}. From nothing to a loaded adapter: ${startMs.toFixed(0)} ms.`,
      markdownTable(
        ['item', 'ms'],
        Object.entries(times).map(([name, each]) => [name, shown(spreadOf(each), 2)]),
      ),
    ].join('\n\n');
  } finally {
    await adapter.unload?.();
    await rm(directory, { recursive: true, force: true });
  }
}

async function roundTrips(adapter: ModelAdapter): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = {};
  const { signal } = new AbortController();
  for (let round = -WARM_UP; round < ROUNDS; round += 1)
    for (const [name, size] of Object.entries(SIZES)) {
      const item = { id: 'item', filename: '/item.bin' };
      const sample = { item, bytes: new Uint8Array(size).fill(round & 255) };
      const began = performance.now();
      await adapter.predict([sample], { signal });
      times[name] ??= [];
      if (round >= 0) times[name].push(performance.now() - began);
    }
  return times;
}
