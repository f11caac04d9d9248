import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readNumpy } from '../../adapters/onnx-engine/numpy-file.ts';
import { node, onnxFile, port } from '../../adapters/onnx-engine/onnx-writer.ts';
import type { JsonObject } from '../../shared/json.ts';
import { commandLine, writeFiles } from './command-line.ts';

it('a prediction tells of a large tensor by its size, and datasets tensor writes its file', async () => {
  const line = commandLine();
  const model = { inputs: [port('x', ['n', 'm'])], outputs: [port('y', ['n', 'm'])] };
  const numbers = Array.from({ length: 5_000 }, (_, index) => index);
  await writeFiles(line.cwd, { 'items/a.json': JSON.stringify(numbers) });
  await mkdir(join(line.cwd, 'weights'));
  await writeFile(
    join(line.cwd, 'weights/model.onnx'),
    onnxFile({ ...model, nodes: [node('Neg', ['x'], 'y')] }),
  );
  const configuration = { input: { kind: 'tensor' }, outputs: [{ name: null, kind: 'tensor' }] };
  await line.json('projects', 'create', 'demo');
  await line.json('datasets', 'create', 'd', '--project', 'demo');
  await line.json('datasets', 'upload', 'd', 'items', '--labels-from-folders');
  const create = ['models', 'create', 'negative', '--project', 'demo', '--adapter', 'onnx'];
  await line.json(...create, '--configuration', JSON.stringify(configuration));
  await line.json(
    'snapshots',
    'create',
    'one',
    '--model',
    'negative',
    '--dataset',
    'd',
    '--labels',
    'features',
  );
  await line.json('save', 'one', '--directory', 'weights');

  const { stdout } = await line.run('predict', 'one', '--dataset', 'd');
  const [, id] = /features 1 \(5000 float32, annotation (\w+)\)/.exec(stdout)!;
  const told = await line.json<JsonObject>('datasets', 'tensor', id!, '--to', 'y.npy');

  const file = join(line.cwd, 'y.npy');
  expect(told).toEqual({ annotation: id, file, sizeBytes: 20_128 });
  expect([...readNumpy(await readFile(file), 5_000).values]).toEqual(numbers.map((value) => -value));
});
