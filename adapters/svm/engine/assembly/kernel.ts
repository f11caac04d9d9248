// The inner loops of the support vector machine, compiled to WebAssembly by ../build-kernel.ts.
// Only plain SIMD: every instruction has one exact result in the WebAssembly specification, so the same
// input gives the same bits on every processor. Relaxed SIMD (fused multiply-add) would not.
//
// Every (sample, row) pair has one f32x4 accumulator that walks the features in order and one fixed order of
// the final four-lane sum. A value therefore never depends on its neighbours in the block.

const LANES_BYTES: usize = 16;

/** exp(x) underflows a double below this; the kernel value is then 0. */
const LOWEST_EXPONENT: f64 = -708.0;
/** Added and taken away again, rounds a small double to the nearest integer and leaves it in the low bits. */
const ROUNDING: f64 = 6755399441055744.0;
const LOG2_E: f64 = 1.4426950408889634;
/** ln 2 in two parts (fdlibm's split): k * LN2_HIGH is exact for every exponent k. */
const LN2_HIGH: f64 = 6.93147180369123816490e-01;
const LN2_LOW: f64 = 1.90821492927058770002e-10;

/**
 * out[s][r] = exp(-gamma * |sample_s - row_r|^2), stored as f32.
 * The squared differences are summed directly: |x|^2 + |y|^2 - 2xy cancels for features far from zero.
 */
export function rbfBlock(
  samples: usize, sampleCount: usize, rows: usize, rowCount: usize,
  strideBytes: usize, out: usize, outStrideBytes: usize, gamma: f64,
): void {
  block(true, samples, sampleCount, rows, rowCount, strideBytes, out, outStrideBytes, gamma);
}

/** out[s][r] = sample_s . row_r, stored as f32. */
export function linearBlock(
  samples: usize, sampleCount: usize, rows: usize, rowCount: usize,
  strideBytes: usize, out: usize, outStrideBytes: usize,
): void {
  block(false, samples, sampleCount, rows, rowCount, strideBytes, out, outStrideBytes, 0);
}

/**
 * out[s][c] = sum over t < count of values[s][t] * coefficients[c][t], in f64: kernel values against the coefficient
 * rows of one class. Four partial sums, then the tail: an order that depends on `count` alone.
 */
export function weightedSums(
  values: usize, valueStrideBytes: usize, sampleCount: usize,
  coefficients: usize, coefficientStrideBytes: usize, rowCount: usize,
  count: usize, out: usize, outStrideBytes: usize,
): void {
  for (let s: usize = 0; s < sampleCount; s++) {
    for (let c: usize = 0; c < rowCount; c++) {
      const sum = weightedSum(values + s * valueStrideBytes, coefficients + c * coefficientStrideBytes, count);
      f64.store(out + s * outStrideBytes + c * 8, sum);
    }
  }
}

// @ts-ignore: decorator
@inline
function weightedSum(values: usize, coefficients: usize, count: usize): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  let t: usize = 0;
  for (; t + 4 <= count; t += 4) {
    const four = v128.load(values + t * 4);
    const upper = v128.shuffle<f32>(four, four, 2, 3, 2, 3);
    low = f64x2.add(low, f64x2.mul(f64x2.promote_low_f32x4(four), v128.load(coefficients + t * 8)));
    high = f64x2.add(high, f64x2.mul(f64x2.promote_low_f32x4(upper), v128.load(coefficients + t * 8, 16)));
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; t < count; t++) sum += <f64>f32.load(values + t * 4) * f64.load(coefficients + t * 8);
  return sum;
}

/** Eight rows stay in the first cache while all samples pass by; the last rows repeat when fewer are left. */
// @ts-ignore: decorator
@inline
function block(
  rbf: bool, samples: usize, sampleCount: usize, rows: usize, rowCount: usize,
  strideBytes: usize, out: usize, outStrideBytes: usize, gamma: f64,
): void {
  const scale = f64x2.splat(-gamma);
  const last = rows + (rowCount - 1) * strideBytes;
  for (let row: usize = 0; row < rowCount; row += 8) {
    const r0 = rows + row * strideBytes;
    const r1 = min(r0 + strideBytes, last);
    const r2 = min(r1 + strideBytes, last);
    const r3 = min(r2 + strideBytes, last);
    const r4 = min(r3 + strideBytes, last);
    const r5 = min(r4 + strideBytes, last);
    const r6 = min(r5 + strideBytes, last);
    const r7 = min(r6 + strideBytes, last);
    for (let s: usize = 0; s < sampleCount; s++) {
      const x = samples + s * strideBytes;
      let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
      let a4 = f32x4.splat(0), a5 = f32x4.splat(0), a6 = f32x4.splat(0), a7 = f32x4.splat(0);
      for (let o: usize = 0; o < strideBytes; o += LANES_BYTES) {
        const v = v128.load(x + o);
        a0 = f32x4.add(a0, term(rbf, v, v128.load(r0 + o)));
        a1 = f32x4.add(a1, term(rbf, v, v128.load(r1 + o)));
        a2 = f32x4.add(a2, term(rbf, v, v128.load(r2 + o)));
        a3 = f32x4.add(a3, term(rbf, v, v128.load(r3 + o)));
        a4 = f32x4.add(a4, term(rbf, v, v128.load(r4 + o)));
        a5 = f32x4.add(a5, term(rbf, v, v128.load(r5 + o)));
        a6 = f32x4.add(a6, term(rbf, v, v128.load(r6 + o)));
        a7 = f32x4.add(a7, term(rbf, v, v128.load(r7 + o)));
      }
      let low = sumLanes(a0, a1, a2, a3);
      let high = sumLanes(a4, a5, a6, a7);
      if (rbf) {
        low = expScaled(low, scale);
        high = expScaled(high, scale);
      }
      const target = out + s * outStrideBytes + row * 4;
      if (rowCount - row >= 8) {
        v128.store(target, low);
        v128.store(target, high, 16);
      } else {
        storeFirst(target, low, high, rowCount - row);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function term(rbf: bool, x: v128, y: v128): v128 {
  if (rbf) {
    const difference = f32x4.sub(x, y);
    return f32x4.mul(difference, difference);
  } else {
    return f32x4.mul(x, y);
  }
}

/** The four lane sums of four accumulators, as one vector (a transpose with additions). */
// @ts-ignore: decorator
@inline
function sumLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** exp(scale * x) for four f32 lanes: computed in f64, rounded once to f32. */
// @ts-ignore: decorator
@inline
function expScaled(x: v128, scale: v128): v128 {
  const first = expLanes(f64x2.mul(f64x2.promote_low_f32x4(x), scale));
  const second = expLanes(f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3)), scale));
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(first), f32x4.demote_f64x2_zero(second), 0, 1, 4, 5);
}

/**
 * e^x for two doubles, x <= 0. x = k ln 2 + r with |r| <= ln 2 / 2, then the Taylor polynomial of degree 10
 * (relative error below 3e-13, thousands of times finer than the f32 it is rounded to) and k added to the exponent bits.
 */
// @ts-ignore: decorator
@inline
function expLanes(x: v128): v128 {
  const inRange = f64x2.ge(x, f64x2.splat(LOWEST_EXPONENT));
  const shifted = f64x2.add(f64x2.mul(x, f64x2.splat(LOG2_E)), f64x2.splat(ROUNDING));
  const k = f64x2.sub(shifted, f64x2.splat(ROUNDING));
  const r = f64x2.sub(f64x2.sub(x, f64x2.mul(k, f64x2.splat(LN2_HIGH))), f64x2.mul(k, f64x2.splat(LN2_LOW)));
  let p = f64x2.splat(1.0 / 3628800.0);
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 362880.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 40320.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 5040.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 720.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 120.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 24.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 6.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(0.5));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0));
  return v128.and(i64x2.add(p, i64x2.shl(shifted, 52)), inRange);
}

/** Stores the first `count` (1..7) of eight values, so that nothing is written behind the caller's row. */
// @ts-ignore: decorator
@inline
function storeFirst(target: usize, low: v128, high: v128, count: usize): void {
  f32.store(target, f32x4.extract_lane(low, 0));
  if (count > 1) f32.store(target, f32x4.extract_lane(low, 1), 4);
  if (count > 2) f32.store(target, f32x4.extract_lane(low, 2), 8);
  if (count > 3) f32.store(target, f32x4.extract_lane(low, 3), 12);
  if (count > 4) f32.store(target, f32x4.extract_lane(high, 0), 16);
  if (count > 5) f32.store(target, f32x4.extract_lane(high, 1), 20);
  if (count > 6) f32.store(target, f32x4.extract_lane(high, 2), 24);
}
