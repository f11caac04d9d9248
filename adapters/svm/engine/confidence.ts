/**
 * How clearly each class won, in 0..1. NOT a probability: nothing was calibrated on held-out samples, and the values of
 * a sample do not sum to 1. Use it to rank and to set thresholds found on your own data.
 *
 * Two classes, decision d: class 0 gets (1 + d / (1 + |d|)) / 2 and class 1 the rest, so 0.5 is the border, 0.75 the margin.
 *
 * More classes: with v the pairs a class won (0..k-1) and s the sum of its decisions, each counted as positive when in
 * its favour, the score is v + s / (3 (|s| + 1)): scikit-learn's one-vs-rest decision function, in which margins only
 * order classes of equal votes. It lies in (-1/3, k - 2/3) and is scaled to 0..1 as (score + 1/3) / (k - 1/3).
 * The largest is the predicted class, unless classes tie in votes: then prediction takes the first, this the clearest.
 *
 * @param decisions [n, k(k-1)/2]
 * @param votes [n, k]
 * @returns [n, k], row-major.
 */
export function confidencesOf(decisions: Float64Array, votes: Int32Array, classCount: number): Float64Array {
  return classCount === 2 ? ofTwo(decisions) : ofMany(decisions, votes, classCount);
}

function ofTwo(decisions: Float64Array): Float64Array {
  const confidences = new Float64Array(decisions.length * 2);
  decisions.forEach((decision, row) => {
    const first = (1 + decision / (1 + Math.abs(decision))) / 2;
    confidences[2 * row] = first;
    confidences[2 * row + 1] = 1 - first;
  });
  return confidences;
}

function ofMany(decisions: Float64Array, votes: Int32Array, classCount: number): Float64Array {
  const sums = new Float64Array(votes.length);
  const rows = votes.length / classCount;
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < classCount; i++) {
      for (let j = i + 1; j < classCount; j++) {
        const decision = decisions[at++]!;
        sums[row * classCount + i]! += decision;
        sums[row * classCount + j]! -= decision;
      }
    }
  }
  return sums.map(
    (sum, index) => (votes[index]! + sum / (3 * (Math.abs(sum) + 1)) + 1 / 3) / (classCount - 1 / 3),
  );
}
