import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { OnnxAdapter } from '../../../adapters/onnx/onnx-adapter.ts';
import { node, onnxFile, port } from '../../../adapters/onnx-engine/onnx-writer.ts';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import type { Json, JsonObject } from '../../../shared/json.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { item } from '../../shared/store/sample-entities.ts';

const CONTEXT = { signal: new AbortController().signal };
/** TensorProto.DataType */
const TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10, float64: 11 } as const;
const TENSOR = [{ name: null, kind: 'tensor' }];

describe('an item of numbers as the input of a model', () => {
  const matrix = { dims: [2, 3], data: [1, 2, 3, 4, 5, 6] };

  it.each<[string, string, Uint8Array]>([
    [
      'lists of lists',
      'a.json',
      json([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    ],
    ['numbers with their shape', 'a.json', json({ shape: [2, 3], data: [1, 2, 3, 4, 5, 6] })],
    ['a .npy file of float32', 'a.npy', npy('<f4', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))],
    ['a .npy file of int64', 'a.NPY', npy('<i8', [2, 3], BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n))],
    ['a .npy file of bytes, in version 2', 'a.npy', npy('|u1', [2, 3], Uint8Array.of(1, 2, 3, 4, 5, 6), 2)],
    ['a .npy file of float16', 'a.npy', npy('<f2', [2, 3], Float16Array.of(1, 2, 3, 4, 5, 6))],
  ])('reads %s', async (_what, name, bytes) => {
    const adapter = await identity('float32', ['n', 2, 3]);

    expect(await answers(adapter, [[name, bytes]])).toEqual([matrix]);
  });

  it.each(Object.keys(TYPES) as (keyof typeof TYPES)[])('feeds and reads %s', async (type) => {
    const adapter = await identity(type, ['n', 2]);

    expect(await answers(adapter, [['a.json', json([3, 100])]])).toEqual([{ dims: [2], data: [3, 100] }]);
  });

  it('takes the numbers of an object in the order of their names, or in the one that is told', async () => {
    const point = json({ y: 2, x: 1 });

    const byName = await identity('float32', ['n', 2]);
    const told = await identity('float32', ['n', 2], { features: ['y', 'x'] });

    expect(await answers(byName, [['a.json', point]])).toEqual([{ dims: [2], data: [1, 2] }]);
    expect(await answers(told, [['a.json', point]])).toEqual([{ dims: [2], data: [2, 1] }]);
  });

  it('runs items of other shapes by themselves, where the model leaves sizes open', async () => {
    const adapter = await identity('float32', ['n', 'length']);
    const lists = [[1], [2], [3, 4], [5]].map((list) => ['a.json', json(list)] as const);

    expect((await answers(adapter, lists)).map(({ data }) => data)).toEqual([[1], [2], [3, 4], [5]]);
  });

  it.each<[string, string, Uint8Array, RegExp]>([
    [
      'a shape of dimensions without end',
      'a.json',
      json({ shape: new Array<number>(10_000).fill(1), data: [1] }),
      /has a shape of 10000 dimensions, 8 are allowed/,
    ],
    [
      'a .npy file of dimensions without end',
      'a.npy',
      npy('|u1', new Array<number>(1_000).fill(1), Uint8Array.of(1), 2),
      /has 1000 dimensions, 64 are allowed/,
    ],
    ['another shape', 'a.json', json([[1, 2]]), /\[1, 2\], the model takes \[n, 2, 3\]/],
    ['lists of different lengths', 'a.json', json([[1, 2, 3], [4]]), /lists of different lengths/],
    [
      'a text',
      'a.json',
      json([
        [1, 'x', 3],
        [4, 5, 6],
      ]),
      /"x" where a number is to be/,
    ],
    ['fewer numbers than the shape says', 'a.json', json({ shape: [2, 3], data: [1] }), /1 numbers/],
    ['a shape of no sense', 'a.json', json({ shape: [-2, -3], data: [1, 2, 3, 4, 5, 6] }), /shape/],
    ['a single number', 'a.json', json(7), /neither a list nor/],
    ['another file by that name', 'a.npy', json([1]), /no \.npy file/],
    ['objects of Python', 'a.npy', npy('|O8', [6], new Float64Array(6)), /no array of numbers/],
    ['a file that is cut', 'a.npy', npy('<f4', [2, 3], new Float32Array(5)), /20 bytes of numbers/],
    ['a shape beyond memory', 'a.npy', npy('<f4', [2 ** 20, 2 ** 20], new Float32Array(1)), /too large/],
    ['an array by columns', 'a.npy', npy('<f4', [2, 3], new Float32Array(6), 1, 'True'), /column by column/],
  ])('fails alone for %s', async (_what, name, bytes, message) => {
    const adapter = await identity('float32', ['n', 2, 3]);

    await expect(prepare(adapter, name, bytes)).rejects.toMatchObject({
      code: 'ItemUnreadable',
      message: expect.stringMatching(message),
    });
  });

  it('fails for a number that a whole type cannot have', async () => {
    const adapter = await identity('int32', ['n', 1]);

    await expect(prepare(adapter, 'a.json', json([0.5]))).rejects.toMatchObject({ code: 'ItemUnreadable' });
  });

  it("gives an output's numbers as they are, whatever their type", async () => {
    for (const [type, array] of [
      ['float16', Float16Array],
      ['float64', Float64Array],
      ['uint8', Uint8Array],
      ['int32', Int32Array],
      ['int64', Float64Array],
    ] as const) {
      const adapter = await identity(type, ['n', 2]);
      const samples = [
        await prepare(adapter, 'a.json', json([1, 2])),
        await prepare(adapter, 'b.json', json([3, 4])),
      ];

      const found = await adapter.predict(samples, CONTEXT);

      expect(found.map(([one]) => one!.tensor)).toEqual([
        { dims: [2], data: array.of(1, 2) },
        { dims: [2], data: array.of(3, 4) },
      ]);
      await adapter.unload();
    }
  });

  it('makes no boxes of what is no image', async () => {
    await expect(identity('float32', ['n', 2, 6], {}, [{ name: null, kind: 'boxes' }])).rejects.toMatchObject(
      { code: 'OnnxSignatureDiffers' },
    );
  });
});

it('hands an image to a model of float16', async () => {
  const folder = temporaryFolder();
  const dims = [1, 1, 1, 2];
  writeFileSync(join(folder, 'model.onnx'), identityModel('float16', dims));
  const input = { width: 2, height: 1, channels: 1, scale: 100 };
  const adapter = new OnnxAdapter({ labels: ['a'], configuration: { input, outputs: TENSOR } });
  await adapter.load(folder);
  const png = await sharp(Uint8Array.of(50, 200), { raw: { width: 2, height: 1, channels: 1 } })
    .png()
    .toBuffer();

  const sample = await adapter.prepare(createItemInput(item('x'), async () => png));
  const [[found] = []] = await adapter.predict([sample], CONTEXT);

  expect(found!.tensor!.data).toEqual(Float16Array.of(0.5, 2));
  await adapter.unload();
});

async function identity(
  type: keyof typeof TYPES,
  dims: readonly (number | string)[],
  input: JsonObject = {},
  outputs: JsonObject[] = TENSOR,
): Promise<OnnxAdapter> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'model.onnx'), identityModel(type, dims));
  const configuration = { input: { kind: 'tensor', ...input }, outputs };
  const adapter = new OnnxAdapter({ labels: ['a'], configuration });
  await adapter.load(folder);
  return adapter;
}

function identityModel(type: keyof typeof TYPES, dims: readonly (number | string)[]): Uint8Array {
  return onnxFile({
    inputs: [port('x', dims, TYPES[type])],
    outputs: [port('y', dims, TYPES[type])],
    nodes: [node('Identity', ['x'], 'y')],
  });
}

function prepare(adapter: OnnxAdapter, name: string, bytes: Uint8Array) {
  const input = createItemInput({ ...item('x'), filename: `/${name}` }, async () => bytes);
  return adapter.prepare(input);
}

async function answers(adapter: OnnxAdapter, files: readonly (readonly [string, Uint8Array])[]) {
  const samples = await Promise.all(files.map(([name, bytes]) => prepare(adapter, name, bytes)));
  const found = await adapter.predict(samples, CONTEXT);
  await adapter.unload();
  return found.map(([one]) => ({ dims: one!.tensor!.dims, data: Array.from(one!.tensor!.data) }));
}

function json(value: Json): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** As numpy.save writes it. */
function npy(
  descr: string,
  shape: readonly number[],
  values: ArrayBufferView,
  version = 1,
  fortran = 'False',
): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (${shape.join(', ')},), }`;
  const fixed = version === 1 ? 10 : 12;
  const header = Buffer.from(
    text.padEnd(Math.ceil((fixed + text.length + 1) / 64) * 64 - fixed - 1).concat('\n'),
    'latin1',
  );
  const prefix = Buffer.alloc(fixed);
  prefix.write('\x93NUMPY', 0, 'latin1');
  prefix[6] = version;
  if (version === 1) prefix.writeUInt16LE(header.length, 8);
  else prefix.writeUInt32LE(header.length, 8);
  return Buffer.concat([prefix, header, Buffer.from(values.buffer, values.byteOffset, values.byteLength)]);
}
