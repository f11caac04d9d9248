import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { HostedCode } from '../../../adapters/built-in-adapters.ts';
import type { PythonSample } from '../../../adapters/python/hand-over.ts';
import { ProcessHolder } from '../../../adapters/python/process-holder.ts';
import type { Session } from '../../../adapters/python/session.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';

const { signal } = new AbortController();
const LARGE = 2 ** 20 + 1;
const batchOf = (...sizes: number[]): PythonSample[] =>
  sizes.map((size) => ({ item: { filename: `/${size}.bin` }, bytes: new Uint8Array(size) }));

/** A loaded holder whose process hears everything, does nothing, and keeps the numbers of the batches it was told of. */
async function holderThatIsHeard() {
  const held = new Set<unknown>();
  const predicted: (number | 'anew')[] = [];
  const tell = (message: JsonObject) => {
    if ('expect' in message) held.add(message.expect);
    else held.delete(message.forget);
    return true;
  };
  const request = async (method: string, { expected }: JsonObject) => {
    if (method !== 'predict') return null;
    if (expected !== undefined) expect(held.delete(expected)).toBe(true);
    predicted.push(expected === undefined ? 'anew' : Number(expected));
    return [];
  };
  const child = { isAlive: true, isBusy: false, rssBytes: 1, tell };
  const session = { child, directory: temporaryFolder(), request, end: async () => undefined };
  const code = { entryPoint: 'model.py', python: {} } as unknown as HostedCode;
  const setup = { configuration: {}, labels: [] };
  const holder = new ProcessHolder(code, async () => session as unknown as Session, setup);
  await holder.load('weights');
  return { holder, held, predicted, directory: session.directory };
}

it('uses what the process has of a batch, though the one after it is told of before the batch is asked for', async () => {
  const { holder, held, predicted } = await holderThatIsHeard();
  const [first, second] = [batchOf(1, 2), batchOf(3)];

  holder.expect(first);
  const predicting = holder.predict(first, signal);
  holder.expect(second);
  await predicting;
  await holder.predict(second, signal);

  expect(predicted).not.toContain('anew');
  expect(held.size).toBe(0);
});

it('uses a batch whose files are still being written when a small one is told of', async () => {
  const { holder, held, predicted } = await holderThatIsHeard();
  const [large, small] = [batchOf(LARGE, LARGE), batchOf(3)];

  holder.expect(large);
  const predicting = holder.predict(large, signal);
  await Promise.resolve();
  holder.expect(small);
  await Promise.all([predicting, holder.predict(small, signal)]);

  expect(predicted).toHaveLength(2);
  expect(predicted).not.toContain('anew');
  expect(held.size).toBe(0);
});

it('has the process forget what nobody came for, and removes its files', async () => {
  const { holder, held, predicted, directory } = await holderThatIsHeard();

  for (let more = 0; more < 5; more += 1) holder.expect(batchOf(LARGE + more));
  const last = batchOf(LARGE);
  holder.expect(last);
  await holder.predict(last, signal);

  expect(predicted).not.toContain('anew');
  // The one before the last may still have its turn.
  await expect.poll(() => [held.size, readdirSync(directory).length]).toEqual([1, 1]);
});

it('has the process forget what it was told of long ago', async () => {
  const { holder, held } = await holderThatIsHeard();

  holder.expect(batchOf(1));
  await expect.poll(() => [...held]).toHaveLength(1);
  const [old] = held;
  holder.expect(batchOf(2));
  holder.expect(batchOf(3));

  await expect.poll(() => [...held]).toHaveLength(2);
  await expect.poll(() => held.has(old)).toBe(false);
});
