import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openSqliteStore } from '../../../shared/store/sqlite.ts';
import { storeContract } from '../../contracts/store.contract.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';

storeContract('sqlite', async () => {
  const path = join(temporaryFolder(), 'store.sqlite');
  const store = await openSqliteStore({ path });
  const again = await openSqliteStore({ path });
  onTestFinished(async () => {
    await store.close();
    await again.close();
  });
  return { store, again };
});
