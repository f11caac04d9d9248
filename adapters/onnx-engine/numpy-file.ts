/** Numbers of a sample, row by row. */
export interface NumberTensor {
  readonly values: Float64Array;
  readonly shape: readonly number[];
}

/** Bytes that are no array in NumPy's format, or one of no numbers. */
export class NumpyMalformed extends Error {}

const MAGIC = '\x93NUMPY';
/** Bytes of a header: dtype and shape; NumPy itself stays far below. */
const MOST_HEADER = 64 * 1024;
/** NumPy's own limit. */
const MOST_DIMENSIONS = 64;

type Reader = (view: DataView, at: number) => number;

/** By kind and bytes of an element: how one is read. */
const READERS: Readonly<Record<string, (littleEndian: boolean) => Reader>> = {
  f2: (le) => (view, at) => view.getFloat16(at, le),
  f4: (le) => (view, at) => view.getFloat32(at, le),
  f8: (le) => (view, at) => view.getFloat64(at, le),
  u1: () => (view, at) => view.getUint8(at),
  u2: (le) => (view, at) => view.getUint16(at, le),
  u4: (le) => (view, at) => view.getUint32(at, le),
  i1: () => (view, at) => view.getInt8(at),
  i2: (le) => (view, at) => view.getInt16(at, le),
  i4: (le) => (view, at) => view.getInt32(at, le),
  i8: (le) => (view, at) => Number(view.getBigInt64(at, le)),
  b1: () => (view, at) => view.getUint8(at),
};

/**
 * The array in a `.npy` file (numpy.lib.format, versions 1 to 3), of at most `mostElements`. Sizes are checked against the bytes
 * there are before anything is allocated. @throws NumpyMalformed
 */
export function readNumpy(bytes: Uint8Array, mostElements: number): NumberTensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || Buffer.from(bytes.subarray(0, 6)).toString('latin1') !== MAGIC)
    throw new NumpyMalformed('is no .npy file');
  const isFirst = bytes[6] === 1;
  const length = isFirst ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = (isFirst ? 10 : 12) + length;
  if (length > MOST_HEADER || start > bytes.length) throw new NumpyMalformed('has a header that is cut off');
  const header = new TextDecoder('latin1').decode(bytes.subarray(start - length, start));
  const { shape, size, read } = layoutOf(header);
  if (shape.length > MOST_DIMENSIONS)
    throw new NumpyMalformed(`has ${shape.length} dimensions, ${MOST_DIMENSIONS} are allowed`);
  const count = shape.reduce((product, each) => product * each, 1);
  if (!(count <= mostElements))
    throw new NumpyMalformed(`has the shape ${shape.join(' x ')}, which is too large`);
  if (bytes.length - start !== count * size)
    throw new NumpyMalformed(
      `has ${bytes.length - start} bytes of numbers where ${shape.join(' x ')} of ${size} are told`,
    );
  return {
    shape,
    values: Float64Array.from({ length: count }, (_, index) => read(view, start + index * size)),
  };
}

function layoutOf(header: string): { shape: number[]; size: number; read: Reader } {
  const [, order, kind] = /'descr': *'([<>|=])([a-z]\d+)'/.exec(header) ?? [];
  const [, isFortran] = /'fortran_order': *(True|False)/.exec(header) ?? [];
  const [, sizes] = /'shape': *\(([\d, ]*)\)/.exec(header) ?? [];
  const reader = kind !== undefined && Object.hasOwn(READERS, kind) ? READERS[kind] : undefined;
  if (!reader || isFortran === undefined || sizes === undefined)
    throw new NumpyMalformed('holds no array of numbers that is known here');
  const shape = sizes
    .split(',')
    .filter((each) => each.trim() !== '')
    .map(Number);
  if (isFortran === 'True' && shape.length > 1)
    throw new NumpyMalformed('is stored column by column: save numpy.ascontiguousarray of it');
  return { shape, size: Number(kind!.slice(1)), read: reader(order !== '>') };
}
