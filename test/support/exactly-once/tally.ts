import { predictedBy } from '../../../shared/annotations/predictions.ts';
import { listMatches } from '../../../shared/catalog/all-matches.ts';
import type { Annotation } from '../../../shared/entities/annotation.ts';
import type { Platform } from '../../../shared/platform.ts';
import { parityOf } from './parity-adapter.ts';
import { type ParitySpace, TIMES, takeAll } from './parity-space.ts';

/** What there is after all events were delivered. */
export interface Tally {
  /** Items that have exactly the current revision's predictions. */
  right: number;
  /** Items that have more annotations than the current revision has to say. */
  duplicated: number;
  /** Items that lack some. */
  lost: number;
  /** Runs of the trigger, and how many of them succeeded. */
  executions: number;
  succeeded: number;
  /** Annotations that were told of as created, and how many of them more than once. */
  told: number;
  toldTwice: number;
}

export async function tallyOf({ platform, triggerId, items }: ParitySpace): Promise<Tally> {
  const byItem = Map.groupBy(await annotationsOf(platform), ({ itemId }) => itemId);
  const counts = items.map(({ id }) => byItem.get(id)?.length ?? 0);
  const created = (await takeAll(platform))
    .filter(({ event }) => event.resource === 'Annotation' && event.action === 'Created')
    .map(({ event }) => event.resourceId);
  const ofTrigger = { triggerId: { $eq: triggerId } };
  return {
    right: items.filter(({ id, name }) => isRight(byItem.get(id) ?? [], name)).length,
    duplicated: counts.filter((count) => count > TIMES.second).length,
    lost: counts.filter((count) => count < TIMES.second).length,
    executions: await platform.store.count('Execution', { filter: ofTrigger }),
    succeeded: await platform.store.count('Execution', {
      filter: { $and: [ofTrigger, { 'latestStatus.status': 'success' }] },
    }),
    told: new Set(created).size,
    toldTwice: created.length - new Set(created).size,
  };
}

function isRight(annotations: readonly Annotation[], itemName: string): boolean {
  const label = parityOf(Number.parseInt(itemName, 10));
  return (
    annotations.length === TIMES.second &&
    annotations.every((each) => each.label === label && predictedBy(each)?.revision === 2)
  );
}

function annotationsOf({ store }: Platform): Promise<Annotation[]> {
  return listMatches(store, 'Annotation', { join: { resource: 'items', filter: { dir: '/numbers' } } });
}
