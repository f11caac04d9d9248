const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/**
 * A curve in one line of text, lowest value lowest. More values than `width` are put into groups of equal size, each
 * shown by its mean; what is no finite number is left out.
 */
export function sparkline(values: readonly number[], width = 40): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return '';
  const points = finite.length <= width ? finite : grouped(finite, width);
  const low = Math.min(...points);
  const range = Math.max(...points) - low;
  return points
    .map((value) => BARS[range === 0 ? 0 : Math.round(((value - low) / range) * (BARS.length - 1))])
    .join('');
}

function grouped(values: readonly number[], groups: number): number[] {
  return Array.from({ length: groups }, (_, index) => {
    const group = values.slice(
      Math.floor((index * values.length) / groups),
      Math.floor(((index + 1) * values.length) / groups),
    );
    return group.reduce((sum, value) => sum + value / group.length, 0);
  });
}
