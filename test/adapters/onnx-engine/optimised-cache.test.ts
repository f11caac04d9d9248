import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findOptimised, MOST_CACHED_BYTES } from '../../../adapters/onnx-engine/optimised-cache.ts';
import { openSession } from '../../../adapters/onnx-engine/session.ts';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { ONNX_FIXTURES } from '../../support/onnx-fixtures.ts';

const MODEL = join(ONNX_FIXTURES, 'tiny-yolo.onnx');
const data = Float32Array.from({ length: 3 * 128 * 128 }, (_, index) => ((index * 37) % 256) / 255);

it('keeps the optimised graph for the next process, which gives the same bits', async () => {
  const cache = temporaryFolder();

  const without = await run(undefined);
  const first = await run(cache);
  const [entry] = entriesOf(cache);
  const second = await run(cache);

  expect(entry).toMatch(/^[0-9a-f]{64}\.[0-9a-f]{64}\.onnx$/);
  expect(first).toEqual(without);
  expect(second).toEqual(without);
  expect(entriesOf(cache)).toEqual([entry]);
  expect((await findOptimised(join(cache, 'onnx'), MODEL, 'another version'))!.path).toBeUndefined();
});

it('makes a damaged entry anew', async () => {
  const cache = temporaryFolder();
  await run(cache);
  const [entry] = entriesOf(cache);
  const path = join(cache, 'onnx', entry!);
  appendFileSync(path, 'x');

  const again = await run(cache);

  expect(again).toEqual(await run(undefined));
  const [fresh, ...others] = entriesOf(cache);
  expect(others).toEqual([]);
  expect(fresh!.split('.')[1]).toBe(sha256Of(readFileSync(join(cache, 'onnx', fresh!))));
});

it('goes by the model itself when an entry of the right digest is no model', async () => {
  const cache = temporaryFolder();
  await run(cache);
  const [entry] = entriesOf(cache);
  const nothing = `${entry!.split('.')[0]}.${sha256Of(new Uint8Array())}.onnx`;
  renameSync(join(cache, 'onnx', entry!), join(cache, 'onnx', nothing));
  writeFileSync(join(cache, 'onnx', nothing), '');

  expect(await run(cache)).toEqual(await run(undefined));
  expect(entriesOf(cache)).toHaveLength(1);
  expect(entriesOf(cache)).not.toContain(nothing);
});

it('does without where the folder cannot be used, and for models that are too large', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const large = join(temporaryFolder(), 'large.onnx');
  writeFileSync(large, Buffer.alloc(MOST_CACHED_BYTES + 1));

  expect(await run(file)).toEqual(await run(undefined));
  expect(await findOptimised(temporaryFolder(), large, '1')).toBeUndefined();
});

async function run(cacheDirectory: string | undefined): Promise<ArrayLike<number>> {
  const session = await openSession(MODEL, 1, cacheDirectory);
  const feeds = { images: { type: 'float32', data, dims: [1, 3, 128, 128] } } as const;
  const outputs = await session.run(feeds, ['output']);
  await session.release();
  return outputs.get('output')!.data;
}

function entriesOf(cache: string): string[] {
  const folder = join(cache, 'onnx');
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.endsWith('.part')) : [];
}
