export { sizeText } from '../../shared/size-text.ts';

/** `1 item`, `2 items`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A number for people: at most four digits after the point. */
export function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(4);
}

/** A time for people: `850 ms`, `2.5 s`. */
export function durationText(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
