import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  encode,
  int64s,
  type Message,
  node,
  onnxFile,
  port,
  tensor,
} from '../../../adapters/onnx-engine/onnx-writer.ts';
import { openSession } from '../../../adapters/onnx-engine/session.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { ONNX_FIXTURES } from '../../support/onnx-fixtures.ts';
import { freshSeed, seededRandom } from '../../support/seeded-random.ts';

const INPUT = port('x', ['batch', 4]);
const OUTPUT = port('y', ['batch', 4]);
const ADD = node('Add', ['x', 'w'], 'y');
const SOUND = { inputs: [INPUT], outputs: [OUTPUT], nodes: [ADD], initializers: [tensor('w', [4])] };

it('runs a model, and says what goes in and comes out', async () => {
  const session = await openSession(written(onnxFile(SOUND)));

  const outputs = await session.run(
    { x: { type: 'float32', data: Float32Array.of(1, 2, 3, 4), dims: [1, 4] } },
    ['y'],
  );
  await session.release();
  await session.release();

  expect(session.inputs).toEqual([{ name: 'x', type: 'float32', shape: ['batch', 4] }]);
  expect([...Array.from(outputs.get('y')!.data)]).toEqual([2, 3, 4, 5]);
  await expect(
    session.run({ x: { type: 'float32', data: new Float32Array(4), dims: [1, 4] } }, ['y']),
  ).rejects.toMatchObject({
    code: 'OnnxRunFailed',
  });
});

it('gives the same bits by one thread and by two', async () => {
  const data = Float32Array.from({ length: 3 * 128 * 128 }, (_, index) => ((index * 37) % 256) / 255);
  const run = async (threads: number) => {
    const session = await openSession(join(ONNX_FIXTURES, 'tiny-yolo.onnx'), threads);
    const outputs = await session.run({ images: { type: 'float32', data, dims: [1, 3, 128, 128] } }, [
      'output',
    ]);
    await session.release();
    return outputs.get('output')!.data;
  };

  expect(await run(1)).toEqual(await run(2));
});

const HUGE = 2n ** 40n;
const shape = (op: string, numbers: bigint[]) => ({
  ...SOUND,
  nodes: [node(op, op === 'ConstantOfShape' ? ['s'] : ['w', 's'], 'z'), node('Add', ['x', 'w'], 'y')],
  initializers: [tensor('w', [4]), int64s('s', numbers)],
});

it.each<[string, Uint8Array]>([
  ['an empty file', new Uint8Array()],
  ['a text', Buffer.from('this is no model at all, but a sentence')],
  ['a model without a graph', encode([[1, 8]])],
  ['a model cut in half', half(readFileSync(join(ONNX_FIXTURES, 'tiny-yolo.onnx')))],
  ['operators of the future', onnxFile({ ...SOUND, opset: 999 })],
  ['a format of the future', onnxFile({ ...SOUND, ir: 999 })],
  ['an unknown operator', onnxFile({ ...SOUND, nodes: [node('Frobnicate', ['x'], 'y')] })],
  ['an input nobody gives', onnxFile({ ...SOUND, initializers: [] })],
  ['a tensor of 2^40 numbers with none', onnxFile({ ...SOUND, initializers: [tensor('w', [HUGE], [])] })],
  ['a tensor of 2^40 x 2^40', onnxFile({ ...SOUND, initializers: [tensor('w', [HUGE, HUGE], [])] })],
  ['a tensor of -5 numbers', onnxFile({ ...SOUND, initializers: [tensor('w', [-5n], [])] })],
  ['less data than dimensions', onnxFile({ ...SOUND, initializers: [tensor('w', [4], [[9, bytes(8)]])] })],
  ['an input of 2^62', onnxFile({ ...SOUND, inputs: [port('x', [2n ** 62n, 2n ** 62n])] })],
  ['a constant of 2^40', onnxFile(shape('ConstantOfShape', [HUGE]))],
  ['a tensor spread to 2^40', onnxFile(shape('Expand', [HUGE]))],
  ['a tensor repeated 2^40 times', onnxFile(shape('Tile', [HUGE]))],
  ['graphs without end in graphs', onnxFile({ ...SOUND, nodes: [nested(40)] })],
])('refuses %s', async (_what, content) => {
  await expect(openSession(written(content))).rejects.toMatchObject({
    code: 'OnnxModelInvalid',
    message: expect.not.stringMatching(/\/tmp|onnxruntime_src/),
  });
});

it.each([
  ['../secret.bin', /outside/],
  ['/etc/hostname', /outside/],
  ['a/../../secret.bin', /outside/],
  ['C:\\secret.bin', /outside/],
  ['', /outside/],
  ['link.bin', /is a link/],
  ['folder/secret.bin', /is a link/],
  ['gone.bin', /not among/],
])('refuses tensors kept in %j', async (location, problem) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'secret.bin'), bytes(16));
  mkdirSync(join(folder, 'model'));
  symlinkSync(join(folder, 'secret.bin'), join(folder, 'model', 'link.bin'));
  symlinkSync(folder, join(folder, 'model', 'folder'));

  await expect(openSession(written(external(location), join(folder, 'model')))).rejects.toMatchObject({
    code: 'OnnxExternalDataRefused',
    message: expect.stringMatching(problem),
  });
});

it('reads tensors from a file beside the model, of the size they need', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'w.bin'), new Uint8Array(Float32Array.of(10, 20, 30, 40).buffer));
  const session = await openSession(written(external('w.bin'), folder));

  const outputs = await session.run({ x: { type: 'float32', data: new Float32Array(4), dims: [1, 4] } }, [
    'y',
  ]);
  await session.release();

  expect([...Array.from(outputs.get('y')!.data)]).toEqual([10, 20, 30, 40]);
  writeFileSync(join(folder, 'w.bin'), bytes(8));
  await expect(openSession(join(folder, 'model.onnx'))).rejects.toMatchObject({ code: 'OnnxModelInvalid' });
});

it('refuses a model with any byte changed, or runs it: it never ends the process', async () => {
  const seed = freshSeed();
  console.log(`damaged models: seed ${seed}`);
  const random = seededRandom(seed);
  const sound = readFileSync(join(ONNX_FIXTURES, 'fashion-inception.onnx'));
  const folder = temporaryFolder();
  for (let round = 0; round < 150; round += 1) {
    const damaged = Uint8Array.from(sound);
    // The structure lies at the end and at the start, between them are mostly weights.
    for (let change = 0; change < 4; change += 1)
      damaged[Math.floor(random() ** 4 * damaged.length)] = Math.floor(random() * 256);

    const opened = await openSession(written(damaged, folder)).catch((error: unknown) => error);

    if (opened instanceof Error) expect(opened).toMatchObject({ code: 'OnnxModelInvalid' });
    else await (opened as Awaited<ReturnType<typeof openSession>>).release();
  }
});

function external(location: string): Uint8Array {
  const entry: Message = [
    [1, 'location'],
    [2, location],
  ];
  return onnxFile({
    ...SOUND,
    initializers: [
      tensor(
        'w',
        [4],
        [
          [13, entry],
          [14, 1],
        ],
      ),
    ],
  });
}

/** A node with a graph with a node with a graph... */
function nested(depth: number): Message {
  if (depth === 0) return ADD;
  const graph: Message = [[1, nested(depth - 1)]];
  return [
    [2, 'y'],
    [4, 'If'],
    [
      5,
      [
        [1, 'then_branch'],
        [6, graph],
        [20, 5],
      ],
    ],
  ];
}

function half(content: Uint8Array): Uint8Array {
  return content.subarray(0, content.length >> 1);
}

function bytes(count: number): Uint8Array {
  return new Uint8Array(count);
}

function written(content: Uint8Array, folder: string = temporaryFolder()): string {
  const path = join(folder, 'model.onnx');
  writeFileSync(path, content);
  return path;
}
