import { describe, expect, it } from 'vitest';
import { detectorClasses } from '../../../adapters/onnx-engine/detector-layout.ts';

/** A segmentation model of two classes as Ultralytics exports it: names in the metadata, prototypes as the second output. */
function question({
  classes = null,
  prototypes = true,
}: {
  classes?: number | null;
  prototypes?: boolean;
} = {}) {
  const port = { name: 'output0', type: 'float32' as const, shape: [1, 4 + 2 + 32, 8] };
  const outputs = [
    port,
    ...(prototypes ? [{ name: 'output1', type: 'float32' as const, shape: [1, 32, 160, 160] }] : []),
  ];
  const metadata = new Map([
    ['task', 'segment'],
    ['names', "{0: 'a', 1: 'b'}"],
  ]);
  return {
    session: { file: 'model.onnx', outputs, facts: { metadata, outputs: new Map() } },
    head: 'yolov8',
    port,
    size: { width: 640, height: 640 },
    classes,
    map: null,
    labels: ['a', 'b'],
  } as unknown as Parameters<typeof detectorClasses>[0];
}

describe('a segmentation model that the file itself describes', () => {
  it.each([true, false])('is refused until its boxes alone are asked for, prototypes: %s', (prototypes) => {
    expect(() => detectorClasses(question({ prototypes }))).toThrow(
      expect.objectContaining({
        code: 'OnnxSignatureDiffers',
        message: expect.stringMatching(/32 mask coefficients.*segmentation model.*Set "classes" to 2/),
      }),
    );
  });

  it('gives the number of its classes when they are configured, so that its boxes are read', () => {
    expect(detectorClasses(question({ classes: 2 }))).toBe(2);
  });
});
