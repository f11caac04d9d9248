import { expect, it } from 'vitest';
import {
  encodeFrame,
  FrameReader,
  MAX_BINARY_BYTES,
  MAX_JSON_BYTES,
} from '../../../adapters/python/frames.ts';
import { seededRandom } from '../../support/seeded-random.ts';

it('gives back every frame, however the bytes are cut', () => {
  const seed = 20_261_124;
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  for (let round = 0; round < 200; round += 1) {
    const frames = Array.from({ length: 1 + below(5) }, (_, id) => ({
      message: { id, text: 'ä'.repeat(below(50)) },
      binary: Uint8Array.from({ length: below(2) * below(5000) }, () => below(256)),
    }));
    const bytes = Buffer.concat(frames.flatMap(({ message, binary }) => encodeFrame(message, [binary])));

    const reader = new FrameReader();
    const read = [];
    for (let at = 0; at < bytes.byteLength; ) {
      const size = 1 + below(below(2) === 0 ? 4 : 3000);
      read.push(...reader.read(bytes.subarray(at, at + size)));
      at += size;
    }

    expect(
      read.map(({ message }) => message),
      `seed ${seed}, round ${round}`,
    ).toEqual(frames.map(({ message }) => message));
    expect(
      read.map(({ binary }) => Buffer.from(binary).toString('hex')),
      `seed ${seed}, round ${round}`,
    ).toEqual(frames.map(({ binary }) => Buffer.from(binary).toString('hex')));
  }
});

it('refuses a frame that says it is larger than any, before it comes', () => {
  const header = (json: number, binary: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(json, 0);
    bytes.writeUInt32LE(binary, 4);
    return bytes;
  };

  for (const bytes of [header(MAX_JSON_BYTES + 1, 0), header(2, MAX_BINARY_BYTES + 1)])
    expect(() => [...new FrameReader().read(bytes)]).toThrow(
      expect.objectContaining({ code: 'PythonFrameTooLarge' }),
    );
});

it('refuses to write what the other side would refuse', () => {
  expect(() => encodeFrame({}, [new Uint8Array(MAX_BINARY_BYTES + 1)])).toThrow(
    expect.objectContaining({ code: 'PythonFrameTooLarge' }),
  );
});
