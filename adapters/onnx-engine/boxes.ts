import type { ImageInput, ImageSample } from './image-input.ts';

/** One object: corners in pixels, score 0..1, place of its class. */
export interface Detection {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly score: number;
  readonly classIndex: number;
}

/** Pixels of the model's input as pixels of the item, cut at its borders. */
export function toItem(
  { left, top, right, bottom, ...rest }: Detection,
  sample: ImageSample,
  spec: Pick<ImageInput, 'fit' | 'width' | 'height'>,
): Detection {
  const { source, width, height } = sample.pixels;
  // A crop keeps the aspect too: what is cut off lies outside the input, as negative borders.
  const cover = Math.max(spec.width / source.width, spec.height / source.height);
  const [scaleX, scaleY] =
    spec.fit === 'cover' ? [cover, cover] : [width / source.width, height / source.height];
  const shiftX = spec.fit === 'cover' ? (spec.width - source.width * cover) / 2 : sample.left;
  const shiftY = spec.fit === 'cover' ? (spec.height - source.height * cover) / 2 : sample.top;
  const x = (at: number) => Math.min(source.width, Math.max(0, (at - shiftX) / scaleX));
  const y = (at: number) => Math.min(source.height, Math.max(0, (at - shiftY) / scaleY));
  return { left: x(left), top: y(top), right: x(right), bottom: y(bottom), ...rest };
}
