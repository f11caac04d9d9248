import { appendRun, type RunMask } from './run-mask.ts';

/**
 * COCO's lengths of runs: outside and inside in turn, outside first, down the columns (cocoapi, `maskApi.h`).
 * The last one may be left out when it is outside.
 */
export function countsOf({ width, height, runs }: RunMask): number[] {
  const counts: number[] = [];
  let place = 0;
  for (const border of runs) {
    counts.push(border - place);
    place = border;
  }
  if (place < width * height || counts.length === 0) counts.push(width * height - place);
  return counts;
}

/** `undefined` when the lengths are none, or do not fill the frame exactly. */
export function maskOfCounts(counts: readonly number[], width: number, height: number): RunMask | undefined {
  const runs: number[] = [];
  let place = 0;
  for (const [index, count] of counts.entries()) {
    if (!Number.isInteger(count) || count < 0) return undefined;
    if (index % 2 === 1) appendRun(runs, place, place + count);
    place += count;
    if (place > width * height) return undefined;
  }
  return place === width * height ? { width, height, runs } : undefined;
}

/**
 * The lengths as COCO's compressed text (cocoapi, `maskApi.c`, `rleToString`): from the fourth on the difference to the
 * one before the last, in groups of five bits, the lowest first, 0x20 where more follow, and 48 added to be printable.
 */
export function textOfCounts(counts: readonly number[]): string {
  let text = '';
  for (const [index, count] of counts.entries()) {
    let rest = index > 2 ? count - counts[index - 2]! : count;
    for (let more = true; more; ) {
      const bits = rest & 0x1f;
      rest >>= 5;
      more = (bits & 0x10) === 0 ? rest !== 0 : rest !== -1;
      text += String.fromCharCode((more ? bits | 0x20 : bits) + 48);
    }
  }
  return text;
}

/** `undefined` when the text is not such lengths. */
export function countsOfText(text: string): number[] | undefined {
  const counts: number[] = [];
  for (let at = 0; at < text.length; ) {
    let value = 0;
    for (let shift = 0; ; shift += 5) {
      const group = text.charCodeAt(at) - 48;
      at += 1;
      if (!(group >= 0 && group < 64) || shift > 30) return undefined;
      value |= (group & 0x1f) << shift;
      if ((group & 0x20) !== 0) continue;
      if ((group & 0x10) !== 0 && shift < 25) value |= -1 << (shift + 5);
      break;
    }
    counts.push(counts.length > 2 ? value + counts[counts.length - 2]! : value);
  }
  return counts;
}
