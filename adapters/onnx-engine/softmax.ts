/** exp(x) / sum(exp(x)), stable for large numbers. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  let most = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < logits.length; index += 1) most = Math.max(most, logits[index]!);
  const values = Float64Array.from(logits, (logit) => Math.exp(logit - most));
  let sum = 0;
  for (const value of values) sum += value;
  return values.map((value) => value / sum);
}

/** Places of the numbers, the largest first; of equal ones the first. */
export function surestFirst(numbers: ArrayLike<number>): number[] {
  const places = Array.from({ length: numbers.length }, (_, place) => place);
  return places.sort((a, b) => numbers[b]! - numbers[a]! || a - b);
}
