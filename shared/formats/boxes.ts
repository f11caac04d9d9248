import { type Rectangle, readBox, rectangleOf } from '../annotations/shapes.ts';
import type { Json } from '../json.ts';
import type { FormatAnnotation } from './format.ts';
import type { LossReport } from './loss-report.ts';
import { noteCorners } from './rest.ts';

/** The upright rectangle that is written for a `box`, and what of it is lost; `undefined` when it cannot be read. */
export function uprightBox(annotation: FormatAnnotation, losses: LossReport): Rectangle | undefined {
  const { type, coordinates = null } = annotation;
  const box = readBox(coordinates);
  if (box === undefined) {
    losses.dropped(type, '*', coordinates);
    return undefined;
  }
  noteCorners(type, [box.first, box.second], losses);
  if (box.angle !== 0) losses.approximated(type, 'coordinates.angle', box.angle);
  if (box.first.x > box.second.x || box.first.y > box.second.y)
    losses.approximated(type, 'coordinates.order', coordinates);
  return rectangleOf(box);
}

/** The coordinates of a `box`. */
export function boxCoordinates({ left, top, right, bottom }: Rectangle): Json {
  return [
    { x: left, y: top, z: 0 },
    { x: right, y: bottom, z: 0 },
  ];
}
