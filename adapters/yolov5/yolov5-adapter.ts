import {
  AdapterMethodMissing,
  type AdapterSetup,
  type ItemInput,
  ModelAdapter,
  type PredictContext,
  type Prediction,
  type TrainResult,
} from '../model-adapter.ts';
import { boxPrediction } from '../onnx-engine/box-prediction.ts';
import { toItem } from '../onnx-engine/boxes.ts';
import type { DetectionHead } from '../onnx-engine/detection-heads.ts';
import { type Detector, openDetector } from '../onnx-engine/detector.ts';
import { HeldModel } from '../onnx-engine/held-model.ts';
import {
  findPort,
  IMAGE_INPUT_DEFAULTS,
  type ImageInput,
  ImagePacker,
  type ImageSample,
  readImage,
} from '../onnx-engine/image-input.ts';
import type { OnnxSession, OutputTensor } from '../onnx-engine/session.ts';
import type { Port } from '../onnx-engine/tensor-data.ts';
import {
  checkConfiguration,
  readConfiguration,
  YOLOV5_DEFAULTS,
  type YoloConfiguration,
} from './configuration.ts';

/** What is known of the model in memory. */
interface Facts {
  output: string;
  detector: Detector;
}

/** YOLOv5 detectors of any size, exported to ONNX: letterbox, inference, decoding and suppression as YOLOv5 has them. */
export class Yolov5Adapter extends ModelAdapter<ImageSample> {
  static override readonly defaults = YOLOV5_DEFAULTS;
  static readonly checkConfiguration = checkConfiguration;
  static override readonly inputType = 'image';
  static override readonly outputType = 'box';

  override readonly maxBatchSize: number;
  readonly #settings: YoloConfiguration;
  readonly #input: ImageInput;
  readonly #head: DetectionHead;
  readonly #cacheDirectory: string | undefined;
  readonly #held = new HeldModel<ImageSample, Facts>('YOLOv5 adapter');

  constructor(setup: AdapterSetup) {
    super(setup);
    this.#cacheDirectory = setup.cacheDirectory;
    this.#settings = readConfiguration(setup.configuration);
    const { img_size, batch_size, nms_in_graph } = this.#settings;
    this.maxBatchSize = Math.max(32, batch_size);
    this.#head = nms_in_graph ? 'boxes' : 'yolov5';
    this.#input = {
      ...structuredClone(IMAGE_INPUT_DEFAULTS),
      mean: [0],
      std: [1],
      fit: 'letterbox',
      width: img_size,
      height: img_size,
    };
  }

  /** @throws ItemUnreadable */
  prepare(input: ItemInput): Promise<ImageSample> {
    return readImage(input, this.#input);
  }

  /** @throws AdapterMethodMissing always */
  async train(): Promise<TrainResult> {
    throw new AdapterMethodMissing(
      'modelfn/yolov5',
      'train',
      'YOLOv5 is trained by its own Python code: train it with the Python adapter or elsewhere, export it to ONNX, and save the file as a snapshot of this model.',
    );
  }

  async predict(samples: readonly ImageSample[], { signal }: PredictContext): Promise<Prediction[][]> {
    const {
      model,
      facts: { output },
    } = this.#held.loaded;
    const answers: Prediction[][] = [];
    for await (const { from, count, outputs } of model.run(samples, [output], signal))
      for (let index = 0; index < count; index += 1)
        answers.push(this.#objectsOf(outputs.get(output)!, index, samples[from + index]!));
    return answers;
  }

  /** Copies the files it was loaded from. */
  save(directory: string): Promise<void> {
    return this.#held.save(directory);
  }

  /**
   * @throws OnnxFileUnclear, OnnxModelInvalid, OnnxExternalDataRefused; OnnxSignatureDiffers when the model is no detector
   * of this size and these labels
   */
  load(directory: string): Promise<void> {
    const { weights_filename, batch_size, threads } = this.#settings;
    const options = {
      filename: weights_filename,
      batchSize: batch_size,
      threads,
      cacheDirectory: this.#cacheDirectory,
      openPacker: (session: OnnxSession) => new ImagePacker(session, this.#input),
    };
    return this.#held.load(directory, options, ({ session }) => {
      const { file, outputs } = session;
      // Exports for training have the raw maps of each scale after the decoded output.
      const port = findPort(file, outputs, outputs[0]?.name ?? null, 'output');
      return { output: port.name, detector: this.#openDetector(session, port) };
    });
  }

  /** Gives the memory of the model back, if it has any. */
  override unload(): Promise<void> {
    return this.#held.unload();
  }

  #openDetector(session: OnnxSession, port: Port): Detector {
    const { conf_thres, iou_thres, max_det, agnostic_nms, id_to_label_map, classes } = this.#settings;
    return openDetector({
      session,
      port,
      head: this.#head,
      size: this.#input,
      classes,
      map: id_to_label_map,
      labels: this.labels,
      minScore: conf_thres,
      isRelative: false,
      rules: { iouThreshold: iou_thres, maxDetections: max_det, isAgnostic: agnostic_nms },
    });
  }

  #objectsOf(output: OutputTensor, index: number, sample: ImageSample): Prediction[] {
    return this.#held.loaded.facts.detector
      .find(output, index)
      .map(({ label, ...each }) => boxPrediction(toItem(each, sample, this.#input), label));
  }
}
