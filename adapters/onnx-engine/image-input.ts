import * as z from 'zod/mini';
import type { ImagePixels, ItemInput } from '../model-adapter.ts';
import type { Feeds, SamplePacker } from './batched-model.ts';
import { OnnxSignatureDiffers } from './errors.ts';
import type { OnnxSession } from './session.ts';
import { SpareArray } from './spare-array.ts';
import type { Port, TensorData } from './tensor-data.ts';

const side = z.int().check(z.gte(1), z.lte(4096));
const numbers = z.array(z.number()).check(z.minLength(1), z.maxLength(3));

/** How an image becomes the model's input. */
export const imageInputSchema = z.strictObject({
  /** Name of the input; null: the model's only one. */
  name: z.nullable(z.string()),
  layout: z.enum(['NCHW', 'NHWC']),
  /** Pixels. */
  width: side,
  height: side,
  channels: z.union([z.literal(1), z.literal(3)]),
  order: z.enum(['RGB', 'BGR']),
  /** A level 0..255 becomes (level / scale - mean) / std; mean and std are one number, or one a channel. */
  scale: z.number().check(z.gt(0)),
  mean: numbers,
  std: numbers.check(z.refine((values) => values.every((value) => value !== 0))),
  /** `letterbox` keeps the aspect and fills the rest with `pad`; the others are those of images. */
  fit: z.enum(['fill', 'cover', 'letterbox']),
  /** Level of the borders of a letterbox, 0..255. */
  pad: z.int().check(z.gte(0), z.lte(255)),
});
export type ImageInput = z.output<typeof imageInputSchema>;

export const IMAGE_INPUT_DEFAULTS = {
  name: null,
  layout: 'NCHW',
  width: 224,
  height: 224,
  channels: 3,
  order: 'RGB',
  scale: 255,
  mean: [0],
  std: [1],
  fit: 'fill',
  pad: 114,
} as const;

/** An item's pixels, and where they lie in the model's input. A byte a level: a quarter of what the tensor takes. */
export interface ImageSample {
  readonly pixels: ImagePixels;
  /** Borders of a letterbox, in pixels of the input. */
  readonly left: number;
  readonly top: number;
}

/** Types of an image's numbers. */
const ARRAYS = { float32: Float32Array, float16: Float16Array, uint8: Uint8Array } as const;
type ImageType = keyof typeof ARRAYS;
type ImageArray = InstanceType<(typeof ARRAYS)[ImageType]>;

function isImageType(type: string | undefined): type is ImageType {
  return type !== undefined && Object.hasOwn(ARRAYS, type);
}

/** Decodes an item to the size of the input. @throws ItemUnreadable */
export async function readImage(input: ItemInput, spec: ImageInput): Promise<ImageSample> {
  const { width, height, channels, fit } = spec;
  const pixels = await input.image({ width, height, channels, fit: fit === 'letterbox' ? 'inside' : fit });
  // Half a pixel goes to the right and to the bottom, as YOLOv5 has it.
  const left = Math.floor((width - pixels.width) / 2);
  const top = Math.floor((height - pixels.height) / 2);
  return { pixels, left, top };
}

/** Writes samples into one tensor, `[n, channels, height, width]` or `[n, height, width, channels]`. */
export class ImagePacker implements SamplePacker<ImageSample> {
  readonly input: string;
  readonly batch: number | undefined;
  readonly #spec: ImageInput;
  readonly #type: ImageType;
  /** By channel of the tensor: what each level 0..255 becomes. */
  readonly #tables: Float32Array[];
  readonly #spare = new SpareArray<ImageArray>();

  /** @throws OnnxSignatureDiffers */
  constructor({ file, inputs }: Pick<OnnxSession, 'file' | 'inputs'>, spec: ImageInput) {
    const { name, type, batch } = matchImageInput(file, inputs, spec);
    this.input = name;
    this.batch = batch;
    this.#spec = spec;
    this.#type = type;
    this.#tables = Array.from({ length: spec.channels }, (_, channel) => tableOf(spec, channel));
  }

  feed(samples: readonly ImageSample[], count?: number): Feeds {
    return { [this.input]: this.pack(samples, count) };
  }

  release(feeds: Feeds): void {
    this.recycle(feeds[this.input] as TensorData);
  }

  /** `count`: images of the tensor, for a model with a batch of fixed size; those beyond the samples are empty. */
  pack(samples: readonly ImageSample[], count: number = samples.length): TensorData {
    const { width, height, channels, layout } = this.#spec;
    const size = width * height * channels;
    const data = this.#spare.take(count * size) ?? new ARRAYS[this.#type](count * size);
    data.fill(0, samples.length * size);
    for (const [index, sample] of samples.entries()) this.#write(sample, data, index * size);
    const dims = layout === 'NCHW' ? [count, channels, height, width] : [count, height, width, channels];
    return { type: this.#type, data, dims };
  }

  recycle({ data }: TensorData): void {
    this.#spare.put(data as ImageArray);
  }

  #write({ pixels, left, top }: ImageSample, data: ImageArray, start: number): void {
    const { width, height, channels, layout, order, pad } = this.#spec;
    const plane = layout === 'NCHW' ? width * height : 1;
    const step = layout === 'NCHW' ? 1 : channels;
    for (let channel = 0; channel < channels; channel += 1) {
      const table = this.#tables[channel]!;
      const from = order === 'BGR' ? channels - 1 - channel : channel;
      const base = start + channel * plane;
      if (pixels.width < width || pixels.height < height)
        for (let at = base, left = width * height; left > 0; left -= 1, at += step) data[at] = table[pad]!;
      for (let y = 0; y < pixels.height; y += 1) {
        let at = base + ((y + top) * width + left) * step;
        let source = y * pixels.width * channels + from;
        for (let x = 0; x < pixels.width; x += 1, at += step, source += channels)
          data[at] = table[pixels.data[source]!]!;
      }
    }
  }
}

/**
 * The model's input that the configuration means, its type, and how many images the model takes at once: one number when
 * that is fixed. @throws OnnxSignatureDiffers
 */
export function matchImageInput(
  file: string,
  inputs: readonly Port[],
  spec: ImageInput,
): { name: string; type: ImageType; batch: number | undefined } {
  const port = findInput(file, inputs, spec.name);
  if (!isImageType(port.type))
    throw new OnnxSignatureDiffers(
      file,
      `its input ${port.name} takes ${port.type ?? 'no tensor'}`,
      'Export it with an input of float32, float16 or uint8.',
    );
  const { width, height, channels, layout } = spec;
  const [batch, ...rest] = layout === 'NCHW' ? [0, channels, height, width] : [0, height, width, channels];
  const fits =
    port.shape.length === 4 &&
    rest.every((size, index) => typeof port.shape[index + 1] === 'string' || port.shape[index + 1] === size);
  if (!fits)
    throw new OnnxSignatureDiffers(
      file,
      `its input ${port.name} is [${port.shape.join(', ')}], the configuration's is ${layout} [n, ${rest.join(', ')}]`,
      'Set size, channels and layout of the input to those of the model.',
    );
  const given = port.shape[batch!];
  return {
    name: port.name,
    type: port.type,
    batch: typeof given === 'number' && given > 0 ? given : undefined,
  };
}

/** The one input of a model, by its name where that is told. @throws OnnxSignatureDiffers */
export function findInput(file: string, inputs: readonly Port[], name: string | null): Port {
  if (inputs.length > 1)
    throw new OnnxSignatureDiffers(
      file,
      `it has ${inputs.length} inputs (${inputs.map(({ name }) => name).join(', ')})`,
      'Models of images have one input: export it with the others as constants. A model of numbers or text takes all its inputs from one JSON object per item: set input to {"kind": "tensor"} without a name.',
    );
  return findPort(file, inputs, name, 'input');
}

/** The input or output by its name, or the only one. @throws OnnxSignatureDiffers */
export function findPort(
  file: string,
  ports: readonly Port[],
  name: string | null,
  what: 'input' | 'output',
): Port {
  const found = name === null ? ports[0] : ports.find((port) => port.name === name);
  if (found && (name !== null || ports.length === 1)) return found;
  throw new OnnxSignatureDiffers(
    file,
    name === null ? `it has ${ports.length} ${what}s` : `it has no ${what} ${JSON.stringify(name)}`,
    `Its ${what}s are ${ports.map((port) => port.name).join(', ') || 'none'}: set the name of the ${what} in the configuration.`,
  );
}

function tableOf({ scale, mean, std }: ImageInput, channel: number): Float32Array {
  const [shift, width] = [mean[channel] ?? mean[0]!, std[channel] ?? std[0]!];
  return Float32Array.from({ length: 256 }, (_, level) => (level / scale - shift) / width);
}
