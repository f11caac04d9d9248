import { SvmTooLarge } from '../errors.ts';
import { KERNEL_BASE64 } from './kernel.generated.ts';
import { ofProducts } from './kernel-of-products.ts';
import type { Kernel } from './svm-model.ts';

/** Floats in one WebAssembly memory; `values` is a live view of them. */
export interface Region {
  readonly offsetBytes: number;
  readonly values: Float32Array;
}

/** The same memory as numbers of 64 bits. `region` must have an even length. */
export function doublesOf({ offsetBytes, values }: Region): Float64Array {
  return new Float64Array(values.buffer, offsetBytes, values.length / 2);
}

/** A rectangle of kernel values to compute: every sample against every row. */
export interface KernelBlock {
  samples: Region;
  /** Index of the first sample inside `samples`, and how many. */
  firstSample: number;
  sampleCount: number;
  rows: Region;
  firstRow: number;
  rowCount: number;
  out: Region;
  /** Index in `out.values` of the first result, and the distance between the results of two samples. */
  firstOut: number;
  outStride: number;
}

/** Kernel values of some samples, each against the same rows of coefficients. */
export interface SumBlock {
  values: Region;
  /** Index of the first sample's first value, and the distance between two samples. */
  firstValue: number;
  valueStride: number;
  sampleCount: number;
  /** f64, row-major; index of the first coefficient and the distance between two rows, in f64. */
  coefficients: Region;
  firstCoefficient: number;
  coefficientStride: number;
  rowCount: number;
  /** Products in each sum. */
  count: number;
  /** f64; index of the first sum and the distance between two samples, in f64. */
  out: Region;
  firstOut: number;
  outStride: number;
}

/**
 * One WebAssembly instance with a memory of its own, cut into the regions asked for.
 * Instances share the compiled module and nothing else.
 */
export class KernelEngine {
  readonly regions: readonly Region[];
  readonly #exports: Exports;
  readonly #strideBytes: number;
  readonly #kernel: Kernel;

  /**
   * @param stride floats of one sample in memory, from `paddedLength`.
   * @param lengths floats of each region.
   * @throws SvmTooLarge when the regions do not fit a 32-bit memory or the machine.
   */
  constructor(kernel: Kernel, stride: number, lengths: readonly number[]) {
    const memory = allocate(lengths);
    this.#strideBytes = stride * F32_BYTES;
    this.regions = cut(memory.buffer, lengths);
    this.#exports = instantiate(memory);
    this.#kernel = kernel;
  }

  /** Fills `out` with kernel values, [sampleCount, rowCount]. Each value depends on its sample and row alone. */
  compute({
    samples,
    firstSample,
    sampleCount,
    rows,
    firstRow,
    rowCount,
    out,
    firstOut,
    outStride,
  }: KernelBlock): void {
    const stride = this.#strideBytes;
    const from = samples.offsetBytes + firstSample * stride;
    const against = rows.offsetBytes + firstRow * stride;
    const to = out.offsetBytes + firstOut * F32_BYTES;
    const toStride = outStride * F32_BYTES;
    const { rbfBlock, linearBlock } = this.#exports;
    const kernel = this.#kernel;
    if (kernel.kind === 'rbf') {
      rbfBlock(from, sampleCount, against, rowCount, stride, to, toStride, kernel.gamma);
      return;
    }
    linearBlock(from, sampleCount, against, rowCount, stride, to, toStride);
    if (kernel.kind === 'linear') return;
    for (let s = 0; s < sampleCount; s++) {
      const start = firstOut + s * outStride;
      ofProducts(kernel, out.values.subarray(start, start + rowCount));
    }
  }

  /** Fills `out` with sums of kernel value times coefficient, [sampleCount, rowCount] in f64. */
  sum(block: SumBlock): void {
    this.#exports.weightedSums(
      block.values.offsetBytes + block.firstValue * F32_BYTES,
      block.valueStride * F32_BYTES,
      block.sampleCount,
      block.coefficients.offsetBytes + block.firstCoefficient * F64_BYTES,
      block.coefficientStride * F64_BYTES,
      block.rowCount,
      block.count,
      block.out.offsetBytes + block.firstOut * F64_BYTES,
      block.outStride * F64_BYTES,
    );
  }
}

/** Floats that one sample of `dims` features takes in memory: whole SIMD vectors, the rest zero. */
export function paddedLength(dims: number): number {
  return Math.ceil(dims / 4) * 4;
}

/** The part of the WebAssembly API used here: Node has it, its type package declares only the namespace. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
type WasmModule = object;
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => WasmModule;
  Memory: new (descriptor: { initial: number }) => WasmMemory;
  Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
};

/** Exports of assembly/kernel.ts. Addresses, counts and strides are bytes or whole rows, as named there. */
interface Exports {
  rbfBlock(
    samples: number,
    sampleCount: number,
    rows: number,
    rowCount: number,
    strideBytes: number,
    out: number,
    outStrideBytes: number,
    gamma: number,
  ): void;
  linearBlock(
    samples: number,
    sampleCount: number,
    rows: number,
    rowCount: number,
    strideBytes: number,
    out: number,
    outStrideBytes: number,
  ): void;
  weightedSums(
    values: number,
    valueStrideBytes: number,
    sampleCount: number,
    coefficients: number,
    coefficientStrideBytes: number,
    rowCount: number,
    count: number,
    out: number,
    outStrideBytes: number,
  ): void;
}

const F32_BYTES = 4;
const F64_BYTES = 8;
const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;
const ALIGN_FLOATS = 4;

let compiled: WasmModule | undefined;

function instantiate(memory: WasmMemory): Exports {
  compiled ??= new WebAssembly.Module(Buffer.from(KERNEL_BASE64, 'base64'));
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as Exports;
}

function allocate(lengths: readonly number[]): WasmMemory {
  const floats = lengths.reduce((sum, length) => sum + aligned(length), 0);
  const sizeBytes = floats * F32_BYTES;
  const pages = Math.max(1, Math.ceil(sizeBytes / PAGE_BYTES));
  if (pages > MAX_PAGES) throw new SvmTooLarge(sizeBytes);
  try {
    return new WebAssembly.Memory({ initial: pages });
  } catch (cause) {
    throw new SvmTooLarge(sizeBytes, cause);
  }
}

function cut(buffer: ArrayBuffer, lengths: readonly number[]): Region[] {
  let offset = 0;
  return lengths.map((length) => {
    const offsetBytes = offset * F32_BYTES;
    offset += aligned(length);
    return { offsetBytes, values: new Float32Array(buffer, offsetBytes, length) };
  });
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGN_FLOATS) * ALIGN_FLOATS;
}
