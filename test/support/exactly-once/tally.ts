import { DatabaseSync } from 'node:sqlite';
import { predictedBy } from '../../../shared/annotations/predictions.ts';
import type { Annotation } from '../../../shared/entities/annotation.ts';
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
  /** What SQLite says of its file. */
  integrity: string;
}

export async function tallyOf({ platform, storePath, triggerId, items }: ParitySpace): Promise<Tally> {
  const byItem = Map.groupBy(await annotationsOf(storePath), ({ itemId }) => itemId);
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
    integrity: integrityOf(storePath),
  };
}

function isRight(annotations: readonly Annotation[], itemName: string): boolean {
  const label = parityOf(Number.parseInt(itemName, 10));
  return (
    annotations.length === TIMES.second &&
    annotations.every((each) => each.label === label && predictedBy(each)?.revision === 2)
  );
}

/** Read from the file itself: the pages of a query would be many. */
async function annotationsOf(storePath: string): Promise<Annotation[]> {
  return read(storePath, (database) =>
    database
      .prepare("select doc from annotations where item_id in (select id from items where dir = '/numbers')")
      .all()
      .map(({ doc }) => JSON.parse(String(doc)) as Annotation),
  );
}

function integrityOf(storePath: string): string {
  return read(storePath, (database) =>
    String(database.prepare('pragma integrity_check').get()!.integrity_check),
  );
}

function read<T>(path: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}
