import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../../shared/store/registry.ts';
import { codeOf } from '../../contracts/store.contract.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';

describe('opening a store by its address', () => {
  it('takes the driver that the address names', async () => {
    const store = await openStore({ address: `sqlite:${join(temporaryFolder(), 'a b:c.sqlite')}` });

    expect(store.kind).toBe('sqlite');
    expect(await store.count('Item', {})).toBe(0);
    await store.close();
  });

  it('stamps events with the clock it was given', async () => {
    const store = await openStore({ address: 'sqlite::memory:', clock: { now: () => 0 } });
    const event = {
      id: 'e',
      resource: 'Item',
      action: 'Created',
      resourceId: 'i',
      datasetId: null,
      projectId: 'p',
    } as const;
    await store.appendEvents([event]);

    expect(await store.readEvents(1)).toEqual([
      { sequence: 1, event, createdAt: '1970-01-01T00:00:00.000Z' },
    ]);
    await store.close();
  });

  it.each(['', 'store.sqlite', 'oracle:x', 'toString:x', '__proto__:x'])(
    'refuses %j and names the drivers',
    async (address) => {
      expect(await codeOf(openStore({ address }))).toBe('InvalidInput');
    },
  );
});
