import type { Detection } from './boxes.ts';
import { labelsByClass } from './class-labels.ts';
import { classNamesOf } from './class-names.ts';
import { type DetectionHead, DetectionsMisread, findCandidates } from './detection-heads.ts';
import { detectorClasses } from './detector-layout.ts';
import { OnnxSignatureDiffers } from './errors.ts';
import type { Quantisation } from './model-facts.ts';
import { openNumbers } from './output-numbers.ts';
import type { OnnxSession, OutputTensor } from './session.ts';
import { type Suppression, suppress } from './suppress.ts';
import type { Port } from './tensor-data.ts';

export interface DetectorOptions {
  session: Pick<OnnxSession, 'file' | 'outputs' | 'facts'>;
  port: Port;
  head: DetectionHead;
  /** Size of the model's input in pixels. */
  size: { width: number; height: number };
  /** Setting `classes`: number of classes; null: as the file or the shape says. */
  classes: number | null;
  /** Setting `id_to_label_map`. */
  map: Readonly<Record<string, string>> | null;
  /** The snapshot's labels. */
  labels: readonly string[];
  /** Objects are surer than this, 0..1. */
  minScore: number;
  /** Boxes are relative to the size of the input. */
  isRelative: boolean;
  quantisation?: Quantisation | undefined;
  rules: Suppression;
}

/** Finds objects in one output of a detector. */
export interface Detector {
  /**
   * Objects of image `index` of a batch with their labels, in pixels of the input. Where the model gave NaN or Infinity, the
   * score of the only one is NaN. @throws OnnxSignatureDiffers for numbers that are not of the configured kind
   */
  find(tensor: OutputTensor, index: number): (Detection & { label: string })[];
}

/** @throws OnnxSignatureDiffers when the output is not of the configured kind, size and labels */
export function openDetector(options: DetectorOptions): Detector {
  const { session, port, head, size, map, labels, minScore, rules, isRelative } = options;
  const { file } = session;
  const numbers = openNumbers(session, port, options.quantisation);
  const names = classNamesOf(session.facts, port.name);
  const stated = detectorClasses(options);
  const byClass = labelsByClass({ map, labels, classes: stated, names, file });
  const reading = {
    ...size,
    minScore,
    ...(isRelative && { relativeWidth: size.width, relativeHeight: size.height }),
  };
  /** Classes of an output whose shape the file leaves open: the same checks, once there is one. */
  const classesOf = ({ dims }: OutputTensor): number | undefined => {
    if (!port.shape.some((each) => typeof each === 'string')) return stated;
    const classes = detectorClasses({ ...options, port: { ...port, shape: dims } });
    if (classes !== stated) labelsByClass({ map, labels, classes, names, file });
    return classes;
  };
  return {
    find(tensor, index) {
      const { tensor: readable, index: at } = numbers(tensor, index);
      const candidates = misreadAs(file, port.name, () =>
        findCandidates(head, readable, at, { ...reading, classes: classesOf(tensor) }),
      );
      if (!candidates) return [{ ...NOT_FINITE, label: labels[0]! }];
      const unknown = candidates.find(({ classIndex }) => classIndex >= byClass.length);
      if (map === null && unknown)
        throw new OnnxSignatureDiffers(
          file,
          `its output ${port.name} has the class ${unknown.classIndex}, and there are labels for ${byClass.length}`,
          'Give the snapshot as many labels in the order of the classes, or name them in id_to_label_map.',
        );
      const known = candidates.filter(({ classIndex }) => byClass[classIndex] !== undefined);
      const kept = head === 'boxes' ? known.slice(0, rules.maxDetections) : suppress(known, rules);
      return kept.map((each) => ({ ...each, label: byClass[each.classIndex]! }));
    },
  };
}

const NOT_FINITE: Detection = { left: 0, top: 0, right: 0, bottom: 0, score: Number.NaN, classIndex: 0 };

function misreadAs<Result>(file: string, output: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DetectionsMisread)) throw error;
    throw new OnnxSignatureDiffers(file, `its output ${output} ${error.message}`, error.advice);
  }
}
