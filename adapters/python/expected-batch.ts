import { type HandedBatch, handOver, type PythonSample } from './hand-over.ts';
import type { Session } from './session.ts';

/**
 * A batch that a process gets before its turn, and keeps until it is asked for or discarded. Nothing depends on it: whoever
 * cannot use it hands the samples over again.
 */
export class ExpectedBatch {
  static #numbers = 0;
  readonly #session: Session;
  readonly #samples: readonly PythonSample[];
  readonly #number = ++ExpectedBatch.#numbers;
  /** What a request names it by; `undefined` when it did not get to the process. */
  readonly handed: Promise<HandedBatch | undefined>;
  #isDiscarded = false;

  constructor(session: Session, samples: readonly PythonSample[]) {
    this.#session = session;
    this.#samples = samples;
    this.handed = this.#handOver();
  }

  /** Whether it is of just these samples, in this order. */
  isOf(session: Session, samples: readonly PythonSample[]): boolean {
    return (
      session === this.#session &&
      samples.length === this.#samples.length &&
      samples.every((sample, index) => sample === this.#samples[index])
    );
  }

  /** The process forgets it. Never throws. */
  async discard(): Promise<void> {
    this.#isDiscarded = true;
    const handed = await this.handed;
    if (!handed) return;
    this.#session.child.tell({ forget: this.#number });
    await handed.discard();
  }

  async #handOver(): Promise<HandedBatch | undefined> {
    try {
      const { params, binary, discard } = await handOver(this.#session.directory, this.#samples);
      if (this.#isDiscarded) await discard();
      else if (this.#session.child.tell({ expect: this.#number, params }, binary))
        return { params: { expected: this.#number }, binary: [], discard };
    } catch {
      // No room for its files, or too much for one frame: its turn says so.
    }
    return undefined;
  }
}
