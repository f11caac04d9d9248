import type { Json } from '../json.ts';
import { boxCoordinates } from './boxes.ts';
import type { PoseShape } from './data-yaml.ts';
import type { FormatAnnotation } from './format.ts';
import type { LossReport } from './loss-report.ts';
import type { NamesSource } from './yolo-names.ts';

/** Digits behind the point that pixels are rounded to. */
const PIXEL_DIGITS = 6;
/** Overshoot beyond the image, in parts of its side, that rounding to six digits explains. */
const ROUNDING = 1e-6;
/** Overshoot of a number that is clipped, as trainers accept it; beyond it, the numbers are not fractions of the image's sides. */
const TOLERANCE = 0.01;

export interface Size {
  width: number;
  height: number;
}

/** How lines of a label file are read. */
export interface LineRules {
  names: NamesSource;
  pose: PoseShape | undefined;
}

/** One line, checked. Numbers are parts of the image's sides. */
interface Line {
  id: number;
  label: string;
  type: 'box' | 'segment';
  parts: number[];
  confidence?: number | undefined;
  /** Three numbers each: x, y, visibility. */
  keypoints: [number, number, number][];
}

/**
 * Reads one line of a label file into annotations in pixels. Coordinates that are not fractions of the image's sides are never
 * scaled: the line is dropped with a loss. `place` names file and line in losses.
 * Returns a problem in words for a line that cannot be read at all.
 */
export function readLine(
  line: string,
  place: string,
  rules: LineRules,
  size: Size,
  losses: LossReport,
): FormatAnnotation[] | string {
  const parsed = parseLine(line, rules);
  if (typeof parsed === 'string') return parsed;
  const { type, parts, confidence, keypoints } = parsed;
  const example = `${place}: ${line.trim()}`;
  const seen = keypoints.filter(([x, y, visibility]) => visibility > 0 && x >= 0 && y >= 0);
  const all = [
    ...parts,
    ...(confidence === undefined ? [] : [confidence]),
    ...seen.flatMap((each) => each.slice(0, 2)),
  ];
  const isBeyond = all.some((part) => part < -TOLERANCE || part > 1 + TOLERANCE);
  if (isBeyond || (type === 'box' && (parts[2]! < 0 || parts[3]! < 0))) {
    losses.dropped(type, 'coordinates.outside', example);
    return [];
  }
  if (confidence !== undefined) losses.dropped('box', 'confidence', confidence);
  const shape = type === 'box' ? boxOf(parts) : parts;
  const inside = shape.map((part) => Math.min(1, Math.max(0, part)));
  if (shape.some((part, at) => Math.abs(part - inside[at]!) > ROUNDING))
    losses.approximated(type, 'coordinates.outside', example);
  if (keypoints.length > 0) losses.approximated('box', 'keypoints', example);
  return [
    annotation(type, parsed.label, type === 'box' ? boxPixels(inside, size) : [ringPixels(inside, size)]),
    ...pointsOf(parsed, rules, size),
  ];
}

function parseLine(line: string, { names, pose }: LineRules): Line | string {
  const words = line.trim().split(/\s+/);
  const [id, ...parts] = words.map(Number);
  if (words.some((word) => !/^[-+.\deE]+$/.test(word)) || ![id, ...parts].every(Number.isFinite))
    return 'holds something that is no number';
  const label = names.names.get(id!);
  if (label === undefined)
    return `has class ${id}, and ${JSON.stringify(names.path)} has ${names.names.size} names`;
  const base = { id: id!, label, keypoints: [] };
  if (parts.length === 4) return { ...base, type: 'box', parts };
  if (pose) return parsePose(base, parts, pose);
  if (parts.length === 5) return { ...base, type: 'box', parts: parts.slice(0, 4), confidence: parts[4]! };
  if (parts.length < 6 || parts.length % 2 !== 0)
    return `has ${parts.length} numbers behind the class: a box has 4, a polygon 6 or more by twos, a box with keypoints as many as kpt_shape of data.yaml says`;
  return { ...base, type: 'segment', parts };
}

function parsePose(
  base: Pick<Line, 'id' | 'label'>,
  parts: number[],
  { keypoints: count, dimensions }: PoseShape,
): Line | string {
  const wanted = 4 + count * dimensions;
  if (parts.length !== wanted)
    return `has ${parts.length} numbers behind the class, and kpt_shape of data.yaml asks for ${wanted}`;
  const keypoints = Array.from({ length: count }, (_, at): [number, number, number] => {
    const [x, y, visibility = 2] = parts.slice(4 + at * dimensions, 4 + (at + 1) * dimensions);
    return [x!, y!, visibility];
  });
  return { ...base, type: 'box', parts: parts.slice(0, 4), keypoints };
}

/** Every keypoint that is labelled, as a point of its own. */
function pointsOf({ id, label, keypoints }: Line, { pose }: LineRules, size: Size): FormatAnnotation[] {
  return keypoints.flatMap(([x, y, visibility], at) => {
    if (visibility <= 0 || x < 0 || y < 0) return [];
    const name = pose?.names.get(id)?.[at] ?? label;
    const bounded = (part: number, side: number) => pixel(Math.min(1, part) * side);
    return [annotation('point', name, { x: bounded(x, size.width), y: bounded(y, size.height) })];
  });
}

/** Left, top, right and bottom of a box with a centre and sides. */
function boxOf(parts: readonly number[]): number[] {
  const [x, y, width, height] = parts as [number, number, number, number];
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

function boxPixels(parts: readonly number[], { width, height }: Size): Json {
  const [left, top, right, bottom] = parts as [number, number, number, number];
  return boxCoordinates({
    left: pixel(left * width),
    top: pixel(top * height),
    right: pixel(right * width),
    bottom: pixel(bottom * height),
  });
}

function ringPixels(parts: readonly number[], { width, height }: Size): Json {
  return Array.from({ length: parts.length / 2 }, (_, at) => ({
    x: pixel(parts[2 * at]! * width),
    y: pixel(parts[2 * at + 1]! * height),
  }));
}

/** Adding 0 makes 0 of -0. */
function pixel(value: number): number {
  return Number(value.toFixed(PIXEL_DIGITS)) + 0;
}

function annotation(type: string, label: string, coordinates: Json): FormatAnnotation {
  return { type, label, attributes: [], coordinates, metadata: { system: {} } };
}
