import { OnnxSignatureDiffers } from './errors.ts';
import type { Quantisation } from './model-facts.ts';
import type { OnnxSession, OutputTensor } from './session.ts';
import type { Port } from './tensor-data.ts';

const REAL_TYPES = new Set(['float16', 'float32', 'float64']);

/** An image of a tensor whose numbers can be read. */
export interface ReadableRow {
  tensor: OutputTensor;
  index: number;
}

/**
 * Reads the rows of an output as real numbers. Whole numbers are scaled by the parameters of the configuration or of the graph's last
 * QuantizeLinear. @throws OnnxSignatureDiffers for whole numbers without such parameters, for bool and for text
 */
export function openNumbers(
  { file, outputs, facts }: Pick<OnnxSession, 'file' | 'outputs' | 'facts'>,
  port: Port,
  stated: Quantisation | undefined,
): (tensor: OutputTensor, index: number) => ReadableRow {
  const { name, type } = port;
  if (type !== undefined && REAL_TYPES.has(type)) return (tensor, index) => ({ tensor, index });
  const quantisation = stated ?? facts.outputs.get(name)?.quantisation;
  if (quantisation && type !== undefined && type !== 'bool' && type !== 'string') {
    const { scale, zeroPoint } = quantisation;
    return ({ data, dims }, index) => {
      const size = dims.slice(1).reduce((product, each) => product * each, 1);
      const row = Float64Array.from(
        data.subarray(index * size, (index + 1) * size),
        (value) => (value - zeroPoint) * scale,
      );
      return { tensor: { data: row, dims: [1, ...dims.slice(1)] }, index: 0 };
    };
  }
  const real = outputs.filter(({ type: other }) => other !== undefined && REAL_TYPES.has(other));
  const others =
    real.length > 0 ? ` Outputs of real numbers are ${real.map((each) => each.name).join(', ')}.` : '';
  throw new OnnxSignatureDiffers(
    file,
    `its output ${name} is ${type ?? 'no tensor'}, which contains no scores 0 to 1 and no logits`,
    type === 'bool' || type === 'string' || type === undefined
      ? `Name an output of real numbers in the configuration.${others}`
      : `Set "scale" and "zero_point" of the output to its quantisation, or export the model with DequantizeLinear as its last operator.${others}`,
  );
}
