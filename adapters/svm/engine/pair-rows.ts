import { type ClassRows, computeSpan, type Span } from './class-rows.ts';
import { RowCache } from './row-cache.ts';
import type { KernelEngine, Region } from './wasm-kernel.ts';

/** Where kernel rows are computed and kept. */
export interface RowSource {
  readonly engine: KernelEngine;
  readonly features: Region;
  /** Room for the rows of one pair, at least two. */
  readonly arena: Region;
  /** Absent when the budget has no room for it. */
  readonly classRows: ClassRows | undefined;
}

/**
 * Kernel rows over the samples of two classes, computed on demand into one arena and kept as long as it has room.
 * Sample t of the pair is row t of the first class, then row t - count of the second.
 */
export class PairRows {
  readonly #source: RowSource;
  readonly #first: Span;
  readonly #second: Span;
  readonly #size: number;
  readonly #cache: RowCache;
  readonly #views: (Float32Array | undefined)[] = [];

  constructor(source: RowSource, first: Span, second: Span) {
    this.#source = source;
    this.#first = first;
    this.#second = second;
    this.#size = first.count + second.count;
    const capacity = Math.floor(source.arena.values.length / this.#size);
    this.#cache = new RowCache(Math.min(this.#size, capacity), this.#size);
  }

  /** K(t, .) over the pair. A view of the arena: valid until as many other rows were asked for as it holds. */
  row(t: number): Float32Array {
    const found = this.#cache.find(t);
    if (found >= 0) return this.#views[found]!;
    const slot = this.#cache.claim(t);
    const at = slot * this.#size;
    this.#views[slot] ??= this.#source.arena.values.subarray(at, at + this.#size);
    this.#fill(t, at);
    return this.#views[slot]!;
  }

  #fill(t: number, at: number): void {
    const inFirst = t < this.#first.count;
    const sample = inFirst ? this.#first.start + t : this.#second.start + t - this.#first.count;
    this.#fillSpan(sample, this.#first, at, inFirst);
    this.#fillSpan(sample, this.#second, at + this.#first.count, !inFirst);
  }

  #fillSpan(sample: number, span: Span, at: number, isOwn: boolean): void {
    const { engine, features, arena, classRows } = this.#source;
    if (isOwn && classRows) arena.values.set(classRows.row(sample, span), at);
    else computeSpan(engine, features, sample, span, arena, at);
  }
}
