import { describe, expect, test } from 'vitest';
import { compileKernel, generatedText } from '../../../adapters/svm/engine/build-kernel.ts';
import { KERNEL_BASE64 } from '../../../adapters/svm/engine/kernel.generated.ts';
import type { Kernel } from '../../../adapters/svm/engine/svm-model.ts';
import { KernelEngine, paddedLength, type Region } from '../../../adapters/svm/engine/wasm-kernel.ts';
import { codeOf, plainKernel } from './problems.ts';

const RBF: Kernel = { kind: 'rbf', gamma: 0.05 };
const UNTOUCHED = 42;

/** Values in f32, so that both sides of a comparison begin alike. */
function sample(seed: number, dims: number): Float32Array {
  return Float32Array.from({ length: dims }, (_, c) => Math.sin(seed * 12.9 + c * 4.1) * 3);
}

function compute(kernel: Kernel, samples: Float32Array[], rows: Float32Array[]): Float32Array[] {
  const dims = rows[0]!.length;
  const stride = paddedLength(dims);
  const outStride = rows.length + 3;
  const engine = new KernelEngine(kernel, stride, [
    samples.length * stride,
    rows.length * stride,
    samples.length * outStride,
  ]);
  const [x, y, out] = engine.regions as [Region, Region, Region];
  samples.forEach((values, s) => {
    x.values.set(values, s * stride);
  });
  rows.forEach((values, r) => {
    y.values.set(values, r * stride);
  });
  out.values.fill(UNTOUCHED);
  const [sampleCount, rowCount] = [samples.length, rows.length];
  engine.compute({
    samples: x,
    firstSample: 0,
    sampleCount,
    rows: y,
    firstRow: 0,
    rowCount,
    out,
    firstOut: 0,
    outStride,
  });
  return samples.map((_, s) => out.values.slice(s * outStride, (s + 1) * outStride));
}

describe('the compiled kernel', () => {
  test('is what its source compiles to', async () => {
    const wasm = await compileKernel();

    expect(Buffer.from(wasm).toString('base64')).toBe(KERNEL_BASE64);
    expect(generatedText(wasm)).toContain(`'${KERNEL_BASE64}'`);
  });

  test.each([RBF, { kind: 'linear' } as const])('agrees with 64-bit arithmetic for $kind', (kernel) => {
    for (const dims of [1, 3, 4, 30, 64]) {
      const rows = Array.from({ length: 13 }, (_, r) => sample(r, dims));
      const samples = [sample(100, dims), sample(101, dims)];
      const found = compute(kernel, samples, rows);
      samples.forEach((x, s) => {
        rows.forEach((y, r) => {
          const expected = plainKernel(kernel, x, y);
          expect(Math.abs(found[s]![r]! - expected)).toBeLessThan(
            2e-6 * Math.max(1, Math.abs(expected), dims),
          );
        });
      });
    }
  });

  test('gives exactly 1 for a sample and itself, far from the origin too', () => {
    const far = sample(1, 30).map((value) => value + 1e6);

    expect(compute(RBF, [far], [far])[0]![0]).toBe(1);
  });

  test('gives 0, not NaN, for samples very far apart', () => {
    const [near, far] = [new Float32Array(4), new Float32Array(4).fill(1e15)];

    expect(compute(RBF, [near], [far])[0]![0]).toBe(0);
  });

  test('gives a value the same bits wherever its row and sample stand in a block', () => {
    const rows = Array.from({ length: 19 }, (_, r) => sample(r, 10));
    const together = compute(RBF, [sample(50, 10), sample(51, 10), sample(52, 10)], rows);

    rows.forEach((row, r) => {
      expect(compute(RBF, [sample(51, 10)], [row])[0]![0]).toBe(together[1]![r]);
    });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 15])('writes nothing behind %i values', (count) => {
    const rows = Array.from({ length: count }, (_, r) => sample(r, 5));

    const [values] = compute(RBF, [sample(9, 5)], rows);

    expect([...values!.slice(count)]).toEqual([UNTOUCHED, UNTOUCHED, UNTOUCHED]);
  });

  test('refuses a memory beyond 32 bits', () => {
    expect(codeOf(() => new KernelEngine(RBF, 4, [2 ** 31]))).toBe('SvmTooLarge');
  });
});
