import type { Detection } from './boxes.ts';
import { OnnxSignatureDiffers } from './errors.ts';
import type { OutputTensor } from './session.ts';

/**
 * Layouts of a detector's output for one image.
 * - `yolov5`: rows of cx, cy, w, h in pixels, objectness, a score a class; all after the sigmoid.
 * - `yolov8`: the same without objectness, and transposed: `[4 + classes, n]`.
 * - `yolox`: rows as `yolov5`, boxes relative to the cells of strides 8, 16 and 32, in that order, and w, h as logarithms.
 * - `boxes`: rows of x1, y1, x2, y2, score, class in pixels, suppressed in the graph already.
 */
export type DetectionHead = 'yolov5' | 'yolov8' | 'yolox' | 'boxes';

export interface HeadOptions {
  /** Of the model's input, in pixels. */
  width: number;
  height: number;
  /** Candidates are surer than this. */
  minScore: number;
}

const YOLOX_STRIDES = [8, 16, 32] as const;

/** What image `index` of a batch has, in the model's order; the class is the surest one. Numbers that are not finite are no objects. */
export function candidatesOf(
  head: DetectionHead,
  { data, dims }: OutputTensor,
  index: number,
  options: HeadOptions,
): Detection[] {
  const [, a, b] = dims as [number, number, number];
  const start = index * a * b;
  const found: Detection[] = [];
  const keep = (cx: number, cy: number, w: number, h: number, score: number, classIndex: number) => {
    if (!(score > options.minScore && Number.isFinite(cx + cy + w + h))) return;
    const detection = { left: cx - w / 2, top: cy - h / 2, right: cx + w / 2, bottom: cy + h / 2 };
    found.push({ ...detection, score: Math.min(1, score), classIndex });
  };
  if (head === 'boxes') {
    for (let at = start; at < start + a * b; at += b) {
      const [x1, y1, x2, y2] = [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!];
      keep((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, data[at + 4]!, data[at + 5]!);
    }
    return found;
  }
  if (head === 'yolov8') {
    for (let row = 0; row < b; row += 1) {
      const at = start + row;
      const best = surest(data, at + 4 * b, a - 4, b);
      if (!(data[at + (4 + best) * b]! > options.minScore)) continue;
      keep(data[at]!, data[at + b]!, data[at + 2 * b]!, data[at + 3 * b]!, data[at + (4 + best) * b]!, best);
    }
    return found;
  }
  const cells = head === 'yolox' ? cellsOf(options) : undefined;
  for (let row = 0; row < a; row += 1) {
    const at = start + row * b;
    const objectness = data[at + 4]!;
    if (!(objectness > options.minScore)) continue;
    const best = surest(data, at + 5, b - 5, 1);
    const score = objectness * data[at + 5 + best]!;
    const cell = cells?.[row];
    if (!cell) keep(data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!, score, best);
    else {
      const [x, y, stride] = cell;
      const size = (logarithm: number) => Math.exp(logarithm) * stride;
      keep(
        (data[at]! + x) * stride,
        (data[at + 1]! + y) * stride,
        size(data[at + 2]!),
        size(data[at + 3]!),
        score,
        best,
      );
    }
  }
  return found;
}

/** Classes that the output tells apart; `undefined` where it does not say. @throws OnnxSignatureDiffers */
export function classesOf(
  head: DetectionHead,
  shape: readonly (number | string)[],
  file: string,
  { width, height }: Pick<HeadOptions, 'width' | 'height'>,
): number | undefined {
  const [, a, b] = shape;
  const columns = head === 'yolov8' ? a : b;
  const least = { yolov5: 6, yolov8: 5, yolox: 6, boxes: 6 }[head];
  const refuse = (problem: string): never => {
    throw new OnnxSignatureDiffers(
      file,
      `its output is [${shape.join(', ')}], ${problem}`,
      'Set the kind of the output to the one the model was exported with: yolov5, yolov8, yolox or boxes.',
    );
  };
  if (shape.length !== 3) refuse('and detections are [images, rows, columns]');
  if (typeof columns === 'string') return undefined;
  if (columns! < least || (head === 'boxes' && columns !== 6))
    refuse(`and ${head} has ${head === 'boxes' ? '' : 'at least '}${least} numbers an object`);
  if (head === 'yolox' && typeof a === 'number' && a !== cellsOf({ width, height }).length)
    refuse(`and yolox has ${cellsOf({ width, height }).length} rows at ${width} x ${height}`);
  if (head === 'boxes') return undefined;
  return columns! - (head === 'yolov8' ? 4 : 5);
}

/** The first of the largest. */
function surest(data: ArrayLike<number>, from: number, count: number, step: number): number {
  let best = 0;
  for (let index = 1; index < count; index += 1)
    if (data[from + index * step]! > data[from + best * step]!) best = index;
  return best;
}

/** Column, row and stride of the cell each row of a YOLOX output belongs to. */
function cellsOf({ width, height }: Pick<HeadOptions, 'width' | 'height'>): [number, number, number][] {
  return YOLOX_STRIDES.flatMap((stride) => {
    const [columns, rows] = [Math.floor(width / stride), Math.floor(height / stride)];
    return Array.from({ length: rows * columns }, (_, index): [number, number, number] => [
      index % columns,
      Math.floor(index / columns),
      stride,
    ]);
  });
}
