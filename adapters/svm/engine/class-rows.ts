import type { KernelEngine, Region } from './wasm-kernel.ts';

/** A run of rows in the grouped features: one class. */
export interface Span {
  readonly start: number;
  readonly count: number;
}

/** Floats that the kernel values inside all classes take. */
export function classRowsLength(spans: readonly Span[]): number {
  return spans.reduce((sum, { count }) => sum + count * count, 0);
}

/**
 * Kernel values between samples of one class, computed once for the whole training. With k classes every sample takes
 * part in k-1 pairs, and half of its kernel row is the same in all of them: for ten classes this saves nearly half of
 * the kernel work.
 */
export class ClassRows {
  readonly #engine: KernelEngine;
  readonly #features: Region;
  readonly #region: Region;
  readonly #offsets: ReadonlyMap<Span, number>;
  readonly #isKnown: Uint8Array;

  /** @param region `classRowsLength(spans)` floats. */
  constructor(engine: KernelEngine, features: Region, region: Region, spans: readonly Span[]) {
    this.#engine = engine;
    this.#features = features;
    this.#region = region;
    this.#offsets = offsetsOf(spans);
    this.#isKnown = new Uint8Array(spans.reduce((sum, span) => sum + span.count, 0));
  }

  /** K(sample, .) over the sample's own class; `sample` is a grouped position inside `span`. */
  row(sample: number, span: Span): Float32Array {
    const at = this.#offsets.get(span)! + (sample - span.start) * span.count;
    if (this.#isKnown[sample] === 0) {
      computeSpan(this.#engine, this.#features, sample, span, this.#region, at);
      this.#isKnown[sample] = 1;
    }
    return this.#region.values.subarray(at, at + span.count);
  }
}

/** Writes K(sample, .) over a span to `out`, from index `at`. */
export function computeSpan(
  engine: KernelEngine,
  features: Region,
  sample: number,
  span: Span,
  out: Region,
  at: number,
): void {
  engine.compute({
    samples: features,
    firstSample: sample,
    sampleCount: 1,
    rows: features,
    firstRow: span.start,
    rowCount: span.count,
    out,
    firstOut: at,
    outStride: 0,
  });
}

function offsetsOf(spans: readonly Span[]): Map<Span, number> {
  const offsets = new Map<Span, number>();
  let offset = 0;
  for (const span of spans) {
    offsets.set(span, offset);
    offset += span.count * span.count;
  }
  return offsets;
}
