import type { EntityStore } from './entity-store.ts';

class Undo extends Error {}

/** Has the store take a write and undoes it: one that only reads does not pass. @throws StoreUnavailable */
export async function probeStore(store: EntityStore): Promise<void> {
  try {
    await store.transaction(async (open) => {
      // A row that is gone with the transaction.
      await open.appendLogs('probe', [
        { timestamp: new Date(0).toISOString(), level: 'debug', message: 'probe' },
      ]);
      throw new Undo();
    });
  } catch (error) {
    if (!(error instanceof Undo)) throw error;
  }
}
