import { callService } from '../aws/service-call.ts';
import { type LambdaEnvironment, readLambdaEnvironment } from '../config.ts';
import { messageOf } from '../errors.ts';
import { invocationOf } from '../invoke/dispatch/lambda-dispatch.ts';
import type { Log } from '../log.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { notingStore } from './noting-store.ts';

/** A container that answers waits so long for its relay, and no longer. */
const TIMEOUT_MS = 2_000;

/**
 * Has the relay look at the outbox soon after something was left there, instead of within a minute. One asynchronous
 * invocation an event that was handled, however much it wrote. The schedule comes anyway: what fails here is logged.
 */
export class RelayKick {
  readonly #functionName: string;
  readonly #log: Log;
  readonly #environment: LambdaEnvironment | undefined;
  readonly #now: () => number;
  #waits = false;

  constructor(options: {
    functionName: string;
    log: Log;
    environment?: LambdaEnvironment | undefined;
    now?: () => number;
  }) {
    this.#functionName = options.functionName;
    this.#log = options.log;
    this.#environment = options.environment ?? readLambdaEnvironment();
    this.#now = options.now ?? Date.now;
  }

  /** The store, watched for what the relay has to carry on. */
  watch(store: EntityStore): EntityStore {
    return notingStore(store, () => {
      this.#waits = true;
    });
  }

  /** To be called when an event was handled: a container may be frozen after that. Never throws. */
  async settle(): Promise<void> {
    if (!this.#waits || this.#environment === undefined) return;
    this.#waits = false;
    const call = invocationOf(this.#environment, this.#functionName, { relay: 'kick' });
    try {
      const { status, text } = await callService(call, this.#environment, this.#now(), TIMEOUT_MS);
      if (status >= 300) throw new Error(`AWS answered ${status} ${text.slice(0, 300)}`);
    } catch (error) {
      this.#log.warn('the relay could not be called; its schedule comes within a minute', {
        relay: this.#functionName,
        reason: messageOf(error),
      });
    }
  }
}
