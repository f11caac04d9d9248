import type { Prediction } from '../model-adapter.ts';
import { boxPrediction } from '../onnx-engine/box-prediction.ts';
import { toItem } from '../onnx-engine/boxes.ts';
import { labelsByClass } from '../onnx-engine/class-labels.ts';
import { candidatesOf, classesOf, type DetectionHead } from '../onnx-engine/detection-heads.ts';
import { OnnxSignatureDiffers } from '../onnx-engine/errors.ts';
import type { ImageSample } from '../onnx-engine/image-input.ts';
import type { NumberTensor } from '../onnx-engine/numpy-file.ts';
import { elementsOf, rowOf, sizeOfRow } from '../onnx-engine/rows.ts';
import type { OutputTensor, Port } from '../onnx-engine/session.ts';
import { softmax, surestFirst } from '../onnx-engine/softmax.ts';
import { suppress } from '../onnx-engine/suppress.ts';
import type { OnnxConfiguration, OutputSpec } from './configuration.ts';

/** Makes annotations of one output of the model. */
export interface OutputReader {
  readonly name: string;
  /** Its annotations are of no label by themselves. */
  readonly isVector: boolean;
  /** What the output says about image `index` of a batch. */
  read(tensor: OutputTensor, index: number, sample: ImageSample | NumberTensor): Prediction[];
}

interface Meaning {
  file: string;
  settings: OnnxConfiguration;
  labels: readonly string[];
}

/** @throws OnnxSignatureDiffers when the model's output cannot be what the configuration says it is */
export function outputReader({ kind }: OutputSpec, port: Port, meaning: Meaning): OutputReader {
  if (port.type === undefined)
    throw new OnnxSignatureDiffers(
      meaning.file,
      `its output ${port.name} is no tensor`,
      'Export it without ZipMap, or name another output.',
    );
  if (port.type === 'string')
    throw new OnnxSignatureDiffers(
      meaning.file,
      `its output ${port.name} is of texts`,
      'Export it with numbers of classes, or name another output.',
    );
  if (kind === 'probabilities' || kind === 'logits') return classReader(kind, port, meaning);
  if (kind === 'embedding' || kind === 'tensor') return numbersReader(kind, port, meaning);
  return boxReader(kind, port, meaning);
}

function classReader(
  kind: 'probabilities' | 'logits',
  { name, shape }: Port,
  { file, settings, labels }: Meaning,
): OutputReader {
  const byClass = labelsByClass(settings.id_to_label_map, labels, sizeOfRow(shape), file);
  return {
    name,
    isVector: false,
    read(tensor, index) {
      const row = rowOf(tensor, index);
      const probabilities = kind === 'logits' ? softmax(row) : row;
      return surestFirst(probabilities)
        .filter((place) => byClass[place] !== undefined)
        .slice(0, settings.top_k)
        .map((place) => ({
          type: 'class',
          label: byClass[place]!,
          confidence: Math.min(1, Math.max(0, probabilities[place]!)),
        }));
    },
  };
}

function boxReader(
  head: DetectionHead,
  { name, shape }: Port,
  { file, settings, labels }: Meaning,
): OutputReader {
  const { input, conf_thres, iou_thres, max_det, agnostic_nms } = settings;
  if ('kind' in input)
    throw new OnnxSignatureDiffers(
      file,
      `its output ${name} is to be boxes, and its input is no image`,
      'Declare the input as an image, or the output as a tensor.',
    );
  const byClass = labelsByClass(settings.id_to_label_map, labels, classesOf(head, shape, file, input), file);
  const rules = { iouThreshold: iou_thres, maxDetections: max_det, isAgnostic: agnostic_nms };
  return {
    name,
    isVector: false,
    read(tensor, index, sample) {
      const candidates = candidatesOf(head, tensor, index, { ...input, minScore: conf_thres });
      const known = candidates.filter(({ classIndex }) => byClass[classIndex] !== undefined);
      const kept = head === 'boxes' ? known.slice(0, max_det) : suppress(known, rules);
      return kept.map((each) =>
        boxPrediction(toItem(each, sample as ImageSample, input), byClass[each.classIndex]!),
      );
    },
  };
}

function numbersReader(
  kind: 'embedding' | 'tensor',
  { name }: Port,
  { file, labels }: Meaning,
): OutputReader {
  const [label] = labels;
  if (label === undefined)
    throw new OnnxSignatureDiffers(
      file,
      `its output ${name} becomes annotations, and the snapshot has no label for them`,
      'Give the snapshot\'s ontologySpec a label, such as "features".',
    );
  return {
    name,
    isVector: true,
    read(tensor, index) {
      const prediction = { type: kind, label, confidence: 1 };
      return kind === 'embedding'
        ? [{ ...prediction, coordinates: Array.from(rowOf(tensor, index)) }]
        : [{ ...prediction, tensor: { dims: tensor.dims.slice(1), data: elementsOf(tensor, index) } }];
    },
  };
}
