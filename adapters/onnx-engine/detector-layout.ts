import { classNamesOf } from './class-names.ts';
import { cellsOf, type DetectionHead } from './detection-heads.ts';
import { OnnxSignatureDiffers } from './errors.ts';
import type { OnnxSession } from './session.ts';
import type { Port } from './tensor-data.ts';

/** Numbers ahead of the scores of the classes. */
const LEADING = { yolov5: 5, yolov8: 4, yolox: 5, boxes: 6 } as const;
/** Mask coefficients of the segmentation models of YOLOv5 to 11. */
const COEFFICIENTS = 32;
/** Tasks of Ultralytics' metadata whose output is more than boxes and scores. */
const OTHER_TASKS: Readonly<Record<string, string>> = {
  segment: 'a segmentation model',
  pose: 'a pose model',
  obb: 'a model of oriented boxes',
  classify: 'a classifier',
};

export interface DetectorQuestion {
  session: Pick<OnnxSession, 'file' | 'outputs' | 'facts'>;
  head: DetectionHead;
  port: Port;
  /** Size of the model's input in pixels. */
  size: { width: number; height: number };
  /** Setting `classes`; null: as the file or the shape says. */
  classes: number | null;
  /** Setting `id_to_label_map`. */
  map: Readonly<Record<string, string>> | null;
  /** The snapshot's labels. */
  labels: readonly string[];
}

/**
 * Number of classes whose scores the output contains, `undefined` where neither shape nor file says. Mask coefficients behind the
 * scores do not count. @throws OnnxSignatureDiffers for outputs that are not boxes and scores, naming the kind of model
 */
export function detectorClasses(question: DetectorQuestion): number | undefined {
  const { session, head, port, classes } = question;
  const columns = columnsOf(question);
  const task = session.facts.metadata.get('task') ?? '';
  const names = classNamesOf(session.facts, port.name)?.length;
  const masks = maskChannels(session, port);
  const refuse = (problem: string, advice: string): never => {
    throw new OnnxSignatureDiffers(
      session.file,
      `its output ${port.name} is [${port.shape.join(', ')}], ${problem}`,
      advice,
    );
  };
  if (task === 'pose' || task === 'obb' || task === 'classify') {
    if (classes === null || task !== 'pose')
      refuse(
        `and its metadata calls it ${OTHER_TASKS[task]}`,
        task === 'classify'
          ? 'Set the kind of the output to probabilities.'
          : 'Only boxes and scores are read. Declare the output as a tensor, or use an adapter of your own.',
      );
  }
  if (columns === undefined) return classes ?? names;
  const scores = columns - LEADING[head];
  const stated = classes ?? names ?? (masks ? scores - masks : undefined);
  if (stated === undefined) {
    const { map, labels } = question;
    const known = map === null ? labels.length : Math.max(-1, ...Object.keys(map).map(Number)) + 1;
    if (scores === known || (map !== null && scores - COEFFICIENTS !== known)) return scores;
    return refuse(
      `which fits ${scores} classes, or fewer in a segmentation model with ${COEFFICIENTS} mask coefficients, a pose model or one of oriented boxes; the snapshot has ${labels.length} labels`,
      'Give the snapshot as many labels as the model has classes, or name them in id_to_label_map, and set "classes" to the number of classes: a segmentation model is then read without its masks.',
    );
  }
  const rest = scores - stated;
  // Leaving out the masks must be asked for: a result without them looks complete.
  if (
    classes === null &&
    stated > 0 &&
    rest > 0 &&
    (task === 'segment' || rest === masks || rest === COEFFICIENTS)
  )
    refuse(
      `and ${head} with ${stated} classes has ${rest} mask coefficients behind the scores: it is a segmentation model, and masks are not read`,
      `Set "classes" to ${stated} to read its boxes without the masks, or use an adapter of your own.`,
    );
  const isReadable =
    rest === 0 || rest === COEFFICIENTS || rest === masks || (classes !== null && rest > 1 && rest % 3 === 0);
  if (stated < 1 || !isReadable)
    refuse(
      `and ${head} with ${stated} classes has ${LEADING[head] + stated} numbers per object${rest > 0 ? ': it may be a segmentation model, a pose model or one of oriented boxes' : ''}`,
      'Set the kind of the output to the one that the model was exported with, and "classes" to its number of classes.',
    );
  return stated;
}

/** Numbers per object; `undefined` for `boxes`, which has a fixed number, and where the shape leaves it open. */
function columnsOf({ session: { file }, head, port, size }: DetectorQuestion): number | undefined {
  const { shape } = port;
  const [, a, b] = shape;
  const columns = head === 'yolov8' ? a : b;
  const least = head === 'boxes' ? 6 : LEADING[head] + 1;
  const refuse = (problem: string): never => {
    throw new OnnxSignatureDiffers(
      file,
      `its output ${port.name} is [${shape.join(', ')}], ${problem}`,
      'Set the kind of the output to the one the model was exported with: yolov5, yolov8, yolox or boxes; a classifier is probabilities or logits.',
    );
  };
  if (shape.length !== 3) refuse('and detections are [images, rows, columns]');
  if (typeof columns === 'string') return undefined;
  if (columns! < least || (head === 'boxes' && columns !== 6))
    refuse(`and ${head} has ${head === 'boxes' ? '' : 'at least '}${least} numbers per object`);
  const rows = head === 'yolox' ? cellsOf(size).length : undefined;
  if (rows !== undefined && typeof a === 'number' && a !== rows)
    refuse(`and yolox has ${rows} rows at ${size.width} x ${size.height}`);
  return head === 'boxes' ? undefined : columns;
}

/** Channels of the mask prototypes `[images, channels, height, width]` of a segmentation model; `undefined` without them. */
function maskChannels({ outputs }: Pick<OnnxSession, 'outputs'>, port: Port): number | undefined {
  const found = outputs.find(({ name, shape }) => name !== port.name && shape.length === 4);
  const channels = found?.shape[1];
  return typeof channels === 'number' && channels > 0 ? channels : undefined;
}
