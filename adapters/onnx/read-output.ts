import type { Prediction } from '../model-adapter.ts';
import { boxPrediction } from '../onnx-engine/box-prediction.ts';
import { toItem } from '../onnx-engine/boxes.ts';
import { labelsByClass } from '../onnx-engine/class-labels.ts';
import { classNamesOf } from '../onnx-engine/class-names.ts';
import { type ClassKind, isClassKind, openClassScores } from '../onnx-engine/class-scores.ts';
import type { DetectionHead } from '../onnx-engine/detection-heads.ts';
import { openDetector } from '../onnx-engine/detector.ts';
import { OnnxSignatureDiffers } from '../onnx-engine/errors.ts';
import type { ImageSample } from '../onnx-engine/image-input.ts';
import type { NamedInputs } from '../onnx-engine/named-inputs.ts';
import type { NumberTensor } from '../onnx-engine/numpy-file.ts';
import { openNumbers } from '../onnx-engine/output-numbers.ts';
import { elementsOf, rowOf } from '../onnx-engine/rows.ts';
import type { OnnxSession, OutputTensor } from '../onnx-engine/session.ts';
import { surestFirst } from '../onnx-engine/softmax.ts';
import type { Port } from '../onnx-engine/tensor-data.ts';
import type { OnnxConfiguration, OutputSpec } from './configuration.ts';

/** Makes annotations of one output of the model. */
export interface OutputReader {
  readonly name: string;
  /** Its annotations are of no label by themselves. */
  readonly isVector: boolean;
  /**
   * Annotations of image `index` of a batch. Where the model gave NaN or Infinity, the confidence of one is NaN.
   * @throws OnnxSignatureDiffers for numbers that are not of the configured kind
   */
  read(tensor: OutputTensor, index: number, sample: ImageSample | NumberTensor | NamedInputs): Prediction[];
}

interface Meaning {
  session: OnnxSession;
  settings: OnnxConfiguration;
  labels: readonly string[];
}

/** @throws OnnxSignatureDiffers when the model's output cannot be what the configuration says it is */
export function outputReader(spec: OutputSpec, port: Port, meaning: Meaning): OutputReader {
  const { file } = meaning.session;
  if (port.type === undefined)
    throw new OnnxSignatureDiffers(
      file,
      `its output ${port.name} is no tensor`,
      'Export it without ZipMap (skl2onnx: options={"zipmap": False}), or set the name of another output.',
    );
  if (port.type === 'string')
    throw new OnnxSignatureDiffers(
      file,
      `its output ${port.name} is text`,
      'Set the name of the output that has a number per class.',
    );
  const { kind } = spec;
  if (isClassKind(kind)) return classReader({ ...spec, kind }, port, meaning);
  if (kind === 'embedding') return embeddingReader(spec, port, meaning);
  if (kind === 'tensor') return tensorReader(port, meaning);
  return boxReader({ ...spec, kind }, port, meaning);
}

function classReader(
  { kind, scale, zero_point }: OutputSpec & { kind: ClassKind },
  port: Port,
  { session, settings, labels }: Meaning,
): OutputReader {
  const quantisation = scale === undefined ? undefined : { scale, zeroPoint: zero_point ?? 0 };
  const scores = openClassScores({ session, port, kind, setting: 'kind', quantisation });
  const { file, facts } = session;
  const names = classNamesOf(facts, port.name);
  const byClass = labelsByClass({
    map: settings.id_to_label_map,
    labels,
    classes: scores.classes,
    names,
    file,
  });
  return {
    name: port.name,
    isVector: false,
    read(tensor, index) {
      const row = scores.read(tensor, index);
      if (!row) return [{ type: 'class', label: labels[0]!, confidence: Number.NaN }];
      checkCount(row.length, byClass.length, settings, file, port);
      return surestFirst(row)
        .filter((place) => byClass[place] !== undefined)
        .slice(0, settings.top_k)
        .map((place) => ({ type: 'class', label: byClass[place]!, confidence: row[place]! }));
    },
  };
}

/** For outputs whose shape leaves the number of classes open. */
function checkCount(
  classes: number,
  labels: number,
  { id_to_label_map }: OnnxConfiguration,
  file: string,
  { name }: Port,
): void {
  if (id_to_label_map !== null || classes === labels) return;
  throw new OnnxSignatureDiffers(
    file,
    `its output ${name} has ${classes} classes, and there are labels for ${labels}`,
    'Give the snapshot as many labels in the order of the classes, or name them in id_to_label_map.',
  );
}

function boxReader(
  { kind: head, classes, relative, scale, zero_point }: OutputSpec & { kind: DetectionHead },
  port: Port,
  { session, settings, labels }: Meaning,
): OutputReader {
  const { input, conf_thres, iou_thres, max_det, agnostic_nms } = settings;
  if ('kind' in input)
    throw new OnnxSignatureDiffers(
      session.file,
      `its output ${port.name} is declared as boxes, and its input is no image`,
      'Declare the input as an image, or the output as a tensor.',
    );
  const detector = openDetector({
    session,
    port,
    head,
    size: input,
    classes: classes ?? null,
    map: settings.id_to_label_map,
    labels,
    minScore: conf_thres,
    isRelative: relative ?? false,
    quantisation: scale === undefined ? undefined : { scale, zeroPoint: zero_point ?? 0 },
    rules: { iouThreshold: iou_thres, maxDetections: max_det, isAgnostic: agnostic_nms },
  });
  return {
    name: port.name,
    isVector: false,
    read: (tensor, index, sample) =>
      detector
        .find(tensor, index)
        .map(({ label, ...each }) => boxPrediction(toItem(each, sample as ImageSample, input), label)),
  };
}

/** Whole numbers are scaled where their quantisation is known, and are taken as they are where it is not. */
function embeddingReader(
  { scale, zero_point }: OutputSpec,
  port: Port,
  { session, labels }: Meaning,
): OutputReader {
  const label = vectorLabel(port, { session, labels });
  const stated = scale === undefined ? undefined : { scale, zeroPoint: zero_point ?? 0 };
  const quantisation = stated ?? session.facts.outputs.get(port.name)?.quantisation;
  const numbers = quantisation && openNumbers(session, port, quantisation);
  return {
    name: port.name,
    isVector: true,
    read(tensor, index) {
      const row = numbers?.(tensor, index) ?? { tensor, index };
      const coordinates = Array.from(rowOf(row.tensor, row.index));
      return [{ type: 'embedding', label, confidence: 1, coordinates }];
    },
  };
}

function tensorReader(port: Port, meaning: Pick<Meaning, 'session' | 'labels'>): OutputReader {
  const label = vectorLabel(port, meaning);
  return {
    name: port.name,
    isVector: true,
    read(tensor, index) {
      const data = elementsOf(tensor, index);
      return [{ type: 'tensor', label, confidence: 1, tensor: { dims: tensor.dims.slice(1), data } }];
    },
  };
}

/** @throws OnnxSignatureDiffers without a label */
function vectorLabel(
  { name }: Port,
  { session: { file }, labels }: Pick<Meaning, 'session' | 'labels'>,
): string {
  const [label] = labels;
  if (label !== undefined) return label;
  throw new OnnxSignatureDiffers(
    file,
    `its output ${name} becomes annotations, and the snapshot has no label for them`,
    'Give the snapshot\'s ontologySpec a label, such as "features".',
  );
}
