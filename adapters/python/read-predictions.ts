import * as z from 'zod/mini';
import { ELEMENT_TYPES, type ElementCode } from '../../shared/annotations/npy-file.ts';
import type { Json } from '../../shared/json.ts';
import { parse } from '../../shared/parse.ts';
import type { Prediction, TensorElements } from '../model-adapter.ts';
import { unmarkFloats } from './marked-floats.ts';

const place = z.int().check(z.gte(0));

/** NaN and Infinity are the prediction's fault, not that of the answer's form: such an item fails alone. */
const numberSchema = z.custom<number>((value) => typeof value === 'number', 'expected a number');
/** Parsed from JSON, but for NaN and Infinity. */
const anySchema = z.custom<Json>((value) => value !== undefined);

const predictionsSchema = z.array(
  z.array(
    z.object({
      type: z.string(),
      label: z.string(),
      confidence: numberSchema,
      coordinates: z.optional(anySchema),
      attributes: z.optional(anySchema),
      /** Where its elements are in the bytes of the answer, row by row. */
      tensor: z.optional(
        z.object({
          dims: z.array(place),
          type: z.enum(Object.keys(ELEMENT_TYPES) as ElementCode[]),
          from: place,
          to: place,
        }),
      ),
    }),
  ),
);

/**
 * What a process answered to a batch. `binary`: the bytes that came with it; they are copied.
 * @throws InvalidInput for an answer of another form
 */
export function readPredictions(said: Json, binary: Uint8Array, entryPoint: string): Prediction[][] {
  const what = `answer of predict of ${entryPoint}`;
  return parse(predictionsSchema, unmarkFloats(said), what).map((predictions) =>
    predictions.map(({ tensor, ...prediction }) => {
      // Checked: keys without a value are absent in JSON.
      const told = prediction as Prediction;
      if (!tensor) return told;
      const { dims, type, from, to } = tensor;
      return { ...told, tensor: { dims, data: elementsOf(type, new Uint8Array(binary.subarray(from, to))) } };
    }),
  );
}

/** Little-endian, as the machines are that this runs on. Elements that are cut off are left out: whoever keeps the tensor sees that it has too few. */
function elementsOf(type: ElementCode, { buffer, byteLength }: Uint8Array<ArrayBuffer>): TensorElements {
  const { array } = ELEMENT_TYPES[type];
  return new array(buffer, 0, Math.floor(byteLength / array.BYTES_PER_ELEMENT));
}
