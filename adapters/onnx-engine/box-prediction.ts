import type { Prediction } from '../model-adapter.ts';
import type { Detection } from './boxes.ts';

/** A detection in pixels of the item as a `box` annotation; its corners are top left and bottom right. */
export function boxPrediction({ left, top, right, bottom, score }: Detection, label: string): Prediction {
  return {
    type: 'box',
    label,
    confidence: score,
    coordinates: [
      { x: left, y: top, z: 0 },
      { x: right, y: bottom, z: 0 },
    ],
  };
}
