import { isoTime } from '../clock.ts';
import type { MetricNumber } from '../entities/metric-number.ts';
import { type MetricSample, type NewMetricSample, newMetricSampleSchema } from '../entities/metric-sample.ts';
import { derivedId } from '../ids.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';

const BATCH = 200;

/** A place in a training's log: points logged so far, and the latest value of each curve. */
export interface LogPlace {
  count: number;
  latest: Record<string, MetricNumber>;
}

/**
 * Takes the points an adapter logs and writes them in batches. Ids depend on execution and place: a run that is done
 * again writes the same points again, not twice.
 */
export class MetricWriter {
  readonly #platform: Pick<Platform, 'store' | 'clock'>;
  readonly #snapshotId: string;
  readonly #executionId: string;
  #waiting: MetricSample[] = [];
  #count: number;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;
  /** The latest value of each curve, by `<figure>/<legend>`. */
  readonly latest: Record<string, MetricNumber>;

  /** `from`: how far the log was at the checkpoint that the training goes on from. Points after it are written again, the same. */
  constructor(
    platform: Pick<Platform, 'store' | 'clock'>,
    snapshotId: string,
    executionId: string,
    from: LogPlace = { count: 0, latest: {} },
  ) {
    this.#platform = platform;
    this.#snapshotId = snapshotId;
    this.#executionId = executionId;
    this.#count = from.count;
    this.latest = { ...from.latest };
  }

  /** Where the log is now, once all of it is written. */
  async place(): Promise<LogPlace> {
    return { count: await this.flush(), latest: { ...this.latest } };
  }

  /** NaN and infinities are points like others. @throws InvalidInput for a point that is not a number or has no name */
  log(samples: readonly NewMetricSample[]): void {
    for (const sample of samples) {
      const { figure, legend, x, y, time } = parse(newMetricSampleSchema, sample, nameOf(sample));
      const id = derivedId('metric', this.#executionId, this.#count);
      this.#count += 1;
      this.latest[`${figure}/${legend}`] = y;
      const now = time ?? isoTime(this.#platform.clock);
      this.#waiting.push({ id, snapshotId: this.#snapshotId, figure, legend, x, y, time: now });
    }
    if (this.#waiting.length >= BATCH) this.#write();
  }

  /** Resolves when every point is stored. @throws what a write failed with */
  async flush(): Promise<number> {
    this.#write();
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
    return this.#count;
  }

  #write(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length === 0) return;
    this.#writing = this.#writing
      .then(() => this.#platform.store.upsert('MetricSample', batch))
      .catch((error: unknown) => {
        this.#failure ??= error;
      });
  }
}

/** Names a point in errors. What an adapter logs is not trusted to have names. */
function nameOf(sample: Partial<NewMetricSample> | null | undefined): string {
  return `metric sample ${JSON.stringify(`${sample?.figure}/${sample?.legend}`).slice(0, 200)}`;
}
