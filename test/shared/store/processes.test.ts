import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteStore } from '../../../shared/store/sqlite.ts';
import { processesContract, startWriter } from '../../contracts/processes.contract.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { project } from './sample-entities.ts';

processesContract(
  'sqlite',
  async () => {
    const path = join(temporaryFolder(), 'store.sqlite');
    return { address: `sqlite:${path}`, check: async () => expect(integrityOf(path)).toBe('ok') };
  },
  60,
);

it('the change mark of a reader moves when another process wrote', async () => {
  const path = join(temporaryFolder(), 'store.sqlite');
  const store = await openSqliteStore({ path });
  onTestFinished(() => store.close());
  await store.insert('Project', [project('shared', { org: 0 })]);
  const before = store.changeMark('Project');

  await once(startWriter(`sqlite:${path}`, 'w1', 1), 'exit');

  expect(before).toBeDefined();
  expect(store.changeMark('Project')).not.toBe(before);
});

function integrityOf(path: string): unknown {
  const database = new DatabaseSync(path);
  try {
    return database.prepare('pragma integrity_check').get()!.integrity_check;
  } finally {
    database.close();
  }
}
