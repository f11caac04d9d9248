import type { ModelAdapterClass } from '../../adapters/model-adapter.ts';
import type { Model } from '../entities/model.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { isModelfnError, messageOf } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { AdapterUnusable } from './adapter-class.ts';
import { adapterSetup } from './adapter-setup.ts';

/** Every instance of any copy of ModelAdapter has it: an adapter's bundle brings its own copy. */
const MARKER = Symbol.for('modelfn.adapter');

/**
 * Constructs a snapshot's adapter. What the class is, and what its constructor throws, is the pushed code's fault, not the
 * server's. @throws AdapterUnusable; errors of modelfn's own unchanged
 */
export function constructAdapter(
  platform: Pick<Platform, 'cacheDirectory'>,
  adapterClass: ModelAdapterClass,
  model: Readonly<Model>,
  snapshot: Readonly<Snapshot>,
): InstanceType<ModelAdapterClass> {
  let adapter: InstanceType<ModelAdapterClass>;
  try {
    adapter = new adapterClass(adapterSetup(platform, adapterClass, model, snapshot));
  } catch (error) {
    if (isModelfnError(error)) throw error;
    const advice = 'Correct the constructor and push the code again.';
    throw new AdapterUnusable(model, `cannot be constructed: ${messageOf(error)}`, advice, error);
  }
  if (MARKER in adapter || hasWholeContract(adapter)) return adapter;
  throw new AdapterUnusable(
    model,
    'is not a ModelAdapter',
    'Let the class extend ModelAdapter of "modelfn", or give it maxBatchSize, prepare and the methods to call, and push the code again.',
  );
}

/** Code that is not bundled cannot import `modelfn`: its class has the members itself that functions use without asking. */
function hasWholeContract(adapter: object): boolean {
  const members = adapter as Record<string, unknown>;
  const has = (name: string) => typeof members[name] === 'function';
  return Number.isInteger(members.maxBatchSize) && has('prepare') && ['train', 'predict', 'load'].some(has);
}
