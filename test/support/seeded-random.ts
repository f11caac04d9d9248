/** Uniform in 0..1, the same sequence for the same seed. Tommy Ettinger's mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed that differs from run to run; print it, so that a failure can be had again. */
export function freshSeed(): number {
  return Date.now() % 1_000_000;
}
