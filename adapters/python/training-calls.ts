import type { Json } from '../../shared/json.ts';
import type { TrainContext } from '../model-adapter.ts';
import type { HostCall } from './messages.ts';

/** The questions of a training, answered by its context. */
export interface TrainingCalls {
  answer(call: HostCall): Promise<Json> | Json;
  /** Waits for the training; a checkpoint that it left open is given up with it. */
  during<T>(training: Promise<T>): Promise<T>;
}

/** A checkpoint that Python fills just now. */
interface Open {
  filled: PromiseWithResolvers<void>;
  durable: Promise<void>;
}

/**
 * `checkpoint` of a context is one call with a function in it; over the line it is two: `beginCheckpoint` is answered with
 * the folder, `endCheckpoint` when what was written there is durable.
 */
export function trainingCalls(context: TrainContext): TrainingCalls {
  let open: Open | undefined;

  const begin = async (): Promise<string> => {
    if (open) throw new Error('a checkpoint is being written already');
    const folder = Promise.withResolvers<string>();
    const filled = Promise.withResolvers<void>();
    const durable = context.checkpoint(async (directory) => {
      folder.resolve(directory);
      await filled.promise;
    });
    durable.catch(folder.reject);
    open = { filled, durable };
    try {
      return await folder.promise;
    } catch (error) {
      open = undefined;
      throw error;
    }
  };

  const end = async (problem?: string): Promise<void> => {
    if (!open) throw new Error('no checkpoint was begun');
    const { filled, durable } = open;
    open = undefined;
    if (problem === undefined) {
      filled.resolve();
      return durable;
    }
    filled.reject(new Error(problem));
    await durable.catch(() => undefined);
  };

  return {
    async answer({ name, params }) {
      if (name === 'shouldCheckpoint') return context.shouldCheckpoint();
      if (name === 'shouldYield') return context.shouldYield();
      if (name === 'beginCheckpoint') return begin();
      if (name === 'ownWeights') return (await context.ownWeights?.()) ?? null;
      if (name === 'openApi') throw new Error('the API is asked for when the adapter is imported');
      await end(name === 'failCheckpoint' ? (params.message ?? 'it failed') : undefined);
      return null;
    },
    async during(training) {
      try {
        return await training;
      } finally {
        if (open) await end('the training ended before its checkpoint was written');
      }
    },
  };
}
