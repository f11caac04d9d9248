const STATE_WORDS = 624;
const SHIFT_WORDS = 397;

/**
 * The numbers 0..count-1 in an order that the seed alone decides: the one libsvm takes inside scikit-learn for the same
 * seed, so that both cut a data set into the same folds. Fisher-Yates, from the front, with numbers of `mersenneTwister`
 * brought into their range without bias: D. Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29(1) (2019).
 * @param seed 0..2^32-1; of a larger one the low 32 bits count.
 */
export function shuffled(count: number, seed: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  const next = mersenneTwister(seed);
  for (let at = 0; at < count; at++) {
    const other = at + below(count - at, next);
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}

/** A number of 0..range-1. */
function below(range: number, next: () => number): number {
  const unfair = 2 ** 32 % range;
  for (;;) {
    const product = BigInt(next()) * BigInt(range);
    if (Number(product & 0xffffffffn) >= unfair) return Number(product >> 32n);
  }
}

/**
 * MT19937, numbers of 0..2^32-1: M. Matsumoto, T. Nishimura, "Mersenne Twister", ACM TOMACS 8(1) (1998), seeded as
 * C++'s `std::mt19937`.
 */
export function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(STATE_WORDS);
  state[0] = seed % 2 ** 32;
  for (let i = 1; i < STATE_WORDS; i++) {
    const previous = state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[i] = Math.imul(1812433253, previous) + i;
  }
  let at = STATE_WORDS;
  return () => {
    if (at === STATE_WORDS) {
      twist(state);
      at = 0;
    }
    let word = state[at++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  };
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < STATE_WORDS; i++) {
    const joined = (state[i]! & 0x80000000) | (state[(i + 1) % STATE_WORDS]! & 0x7fffffff);
    const odd = (joined & 1) === 0 ? 0 : 0x9908b0df;
    state[i] = state[(i + SHIFT_WORDS) % STATE_WORDS]! ^ (joined >>> 1) ^ odd;
  }
}
