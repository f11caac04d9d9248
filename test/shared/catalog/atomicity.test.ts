import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EntityKind } from '../../../shared/entities/kinds.ts';
import { faultyStore, PlannedFault } from '../../support/faulty-store.ts';
import { repeatingStore } from '../../support/repeating-store.ts';
import { OPERATIONS, openStage, type Stage } from './write-operations.ts';

const KINDS: readonly EntityKind[] = [
  'Project',
  'Dataset',
  'Recipe',
  'Ontology',
  'Item',
  'Annotation',
  'Model',
  'Snapshot',
];

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.platform.close());

/** All that the store holds, events too; but for the note of a save under way, which is there for the next one to find. */
async function contents(): Promise<unknown> {
  const { store } = stage.platform;
  const pages = await Promise.all(KINDS.map((kind) => store.query(kind, {})));
  const entities = pages.map(({ items }) => items.map((each) => ({ ...each, run: null })));
  return [entities, await store.readEvents(10_000)];
}

describe('a failure at any write', () => {
  it.each(Object.entries(OPERATIONS))('of %s leaves the store as it was, events too', async (_name, run) => {
    const before = await contents();

    let faults = 0;
    for (; ; faults += 1) {
      const store = faultyStore(stage.platform.store, faults);
      const outcome = await run({ ...stage.platform, store }, stage).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (outcome === undefined) break;
      expect(outcome).toBeInstanceOf(PlannedFault);
      expect(await contents()).toEqual(before);
    }

    expect(faults).toBeGreaterThan(0);
    expect(await contents()).not.toEqual(before);
  });
});

describe('a transaction that another writer undid, so that its work is run again,', () => {
  /** How much there is of each kind, and what is told of it. Ids are not the same: the first run took some. */
  async function amounts(): Promise<unknown> {
    const { store } = stage.platform;
    const counts = await Promise.all(KINDS.map((kind) => store.count(kind, {})));
    const events = (await store.readEvents(10_000)).map(({ event }) => `${event.resource} ${event.action}`);
    return [counts, events];
  }

  it.each(Object.entries(OPERATIONS))('of %s leaves what one run leaves', async (_name, run) => {
    await run(stage.platform, stage);
    const once = await amounts();
    await stage.platform.close();
    stage = await openStage();

    await run({ ...stage.platform, store: repeatingStore(stage.platform.store) }, stage);

    expect(await amounts()).toEqual(once);
  });
});
