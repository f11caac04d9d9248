import { openStore } from '../../../shared/store/registry.ts';
import { event, item } from './sample-entities.ts';

// A process of its own: `node write-many.ts <address> <name> <rounds>`. Each round raises a counter that all share, and
// inserts two items and one event together.
const [address, name, rounds] = process.argv.slice(2);
const store = await openStore({ address: address! });
for (let round = 0; round < Number(rounds); round += 1) {
  await store.update('Project', 'shared', (current) => ({ ...current, org: Number(current.org) + 1 }));
  await store.transaction(async (inside) => {
    await inside.insert('Item', [item(`${name}-${round}-a`)]);
    await inside.appendEvents([event(`${name}-${round}`)]);
    await inside.insert('Item', [item(`${name}-${round}-b`)]);
  });
  process.send?.(round);
}
await store.close();
