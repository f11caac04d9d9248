import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { readConfig } from '../../../shared/config.ts';
import { claimExecution } from '../../../shared/invoke/executions.ts';
import type { Invocation } from '../../../shared/invoke/invocation.ts';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { openPostgresStore } from '../../../shared/store/postgres.ts';
import { readPostgresAddress } from '../../../shared/store/postgres-address.ts';
import { connectTo } from '../../../shared/store/postgres-connection.ts';
import { migrate } from '../../../shared/store/postgres-database.ts';
import { MIGRATIONS } from '../../../shared/store/postgres-schema.ts';
import { processesContract } from '../../contracts/processes.contract.ts';
import { codeOf } from '../../contracts/store.contract.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { startCuttingProxy } from '../../support/postgres/cutting-proxy.ts';
import { makeDatabase, startPostgres, type TestDatabase } from '../../support/postgres/postgres-server.ts';
import { event, item, model, project, snapshot } from './sample-entities.ts';

// Before the tests are told apart: some need a server that serves its clients at the same time.
const server = await startPostgres();
afterAll(() => server.stop());
const notConcurrent = server.isConcurrent ? undefined : `this is ${server.what}`;

async function newDatabase(): Promise<TestDatabase> {
  const database = await makeDatabase(server);
  onTestFinished(() => database.drop());
  return database;
}

async function open(address: string): Promise<EntityStore> {
  const store = await openPostgresStore({ address });
  onTestFinished(() => store.close());
  return store;
}

/** Handles that share nothing, as those of different containers. */
function openApart(address: string, count: number): Promise<EntityStore[]> {
  const name = (index: number) => `${address}${address.includes('?') ? '&' : '?'}application_name=c${index}`;
  return Promise.all(Array.from({ length: count }, (_, index) => open(name(index))));
}

describeUnless(notConcurrent, 'several processes', () => {
  processesContract(
    'postgres',
    async () => {
      const { address } = await newDatabase();
      return { address, check: async () => {} };
    },
    12,
  );
});

describeUnless(notConcurrent, 'containers that write at once', () => {
  it('make one of what each of them looked for and did not find', async () => {
    const stores = await openApart((await newDatabase()).address, 6);

    const made = await Promise.all(
      stores.map((store, index) =>
        store.transaction(async (inside) => {
          const [known] = await inside.ids('Project', { filter: { name: 'shared' } });
          if (known !== undefined) return known;
          await inside.insert('Project', [project(`p${index}`, { name: 'shared' })]);
          return `p${index}`;
        }),
      ),
    );

    expect(new Set(made).size).toBe(1);
    expect(await stores[0]!.ids('Project', {})).toEqual([made[0]]);
  });

  it('look again when a name was taken behind their back, and then know of it', async () => {
    const [one, two] = (await openApart((await newDatabase()).address, 2)) as [EntityStore, EntityStore];
    const seen: number[] = [];

    const late = one.transaction(async (inside) => {
      seen.push(await inside.count('Model', {}));
      if (seen.length === 1) {
        await two.insert('Project', [project('p1', { name: 'shared' })]);
        await two.insert('Model', [model('m1', 'p1')]);
      }
      await inside.insert('Project', [project('p2', { name: 'shared' })]);
    });

    expect(await codeOf(late)).toBe('Conflict');
    expect(seen).toEqual([0, 1]);
  });

  it('do not both act on what the other one changes: the last of two stays', async () => {
    const [one, two] = (await openApart((await newDatabase()).address, 2)) as [EntityStore, EntityStore];
    await one.insert('Item', [item('i1'), item('i2')]);
    const read = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const removeUnlessLast = (store: EntityStore, me: 0 | 1) =>
      store.transaction(async (inside) => {
        const count = await inside.count('Item', { filter: { datasetId: 'd1' } });
        read[me].resolve();
        // Both have looked before one of them writes; the second look is after that.
        await read[me === 0 ? 1 : 0].promise;
        if (count > 1) await inside.delete('Item', [`i${me + 1}`]);
      });

    await Promise.all([removeUnlessLast(one, 0), removeUnlessLast(two, 1)]);

    expect(await one.count('Item', {})).toBe(1);
  });

  it('claim a run once, however many ask for it', async () => {
    const stores = await openApart((await newDatabase()).address, 6);
    const call: Invocation = { functionName: 'predict', input: {}, caller: 'event', actor: LOCAL_ACTOR };
    const config = readConfig({});
    const clock = { now: () => Date.now() };

    for (const id of ['e1', 'e2', 'e3']) {
      const claims = await Promise.allSettled(
        stores.map((store, index) => claimExecution({ store, config, clock }, id, call, `holder ${index}`)),
      );

      expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const refused = claims.filter((claim) => claim.status === 'rejected');
      expect(refused.map(({ reason }) => reason.code)).toEqual(Array(5).fill('ExecutionInProgress'));
      expect(await stores[0]!.get('Execution', id)).toMatchObject({ fence: 1, attempts: 1 });
    }
  });

  it('lose no line of a log that all of them write to', async () => {
    const stores = await openApart((await newDatabase()).address, 4);
    const line = (message: string) => ({
      timestamp: '2026-01-01T00:00:00.000Z',
      level: 'info' as const,
      message,
    });

    await Promise.all(
      stores.flatMap((store, index) =>
        [0, 1, 2].map((round) =>
          store.appendLogs('e1', [line(`${index} ${round} a`), line(`${index} ${round} b`)]),
        ),
      ),
    );

    const lines = await stores[0]!.readLogs('e1', { after: 0, limit: 100 });
    expect(lines.map((each) => each.line)).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
    expect(new Set(lines.map(({ message }) => message)).size).toBe(24);
  });

  it('are kept out by one that runs alone, and waited for by it', async () => {
    const [one, two] = (await openApart((await newDatabase()).address, 2)) as [EntityStore, EntityStore];
    const steps: string[] = [];
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const beside = one.transaction(async (inside) => {
      await inside.insert('Item', [item('i1')]);
      begun.resolve();
      await gate.promise;
      steps.push('beside');
    });
    await begun.promise;
    let late: Promise<void> | undefined;
    const alone = two.transaction(
      async (inside) => {
        steps.push(`alone, sees ${await inside.count('Item', {})}`);
        late = one.insert('Item', [item('i2')]).then(() => {
          steps.push('late');
        });
        steps.push(`alone, sees ${await inside.count('Item', {})}`);
      },
      { alone: true },
    );
    gate.resolve();
    await Promise.all([beside, alone]);
    await late;

    expect(steps).toEqual(['beside', 'alone, sees 1', 'alone, sees 1', 'late']);
  });

  it('lose no event of a writer that took its number first and landed last', async () => {
    const [slow, quick] = (await openApart((await newDatabase()).address, 2)) as [EntityStore, EntityStore];
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const landing = slow.transaction(async (inside) => {
      await inside.appendEvents([event('slow')]);
      begun.resolve();
      await gate.promise;
    });
    await begun.promise;
    await quick.appendEvents([event('quick')]);
    const told = await quick.readEvents(10);
    await quick.removeEvents(told.map(({ sequence }) => sequence));
    gate.resolve();
    await landing;

    const late = await quick.readEvents(10);
    expect(told.map((entry) => entry.event.id)).toEqual(['quick']);
    expect(late.map((entry) => entry.event.id)).toEqual(['slow']);
    expect(late[0]!.sequence).toBeLessThan(told[0]!.sequence);
  });

  it('number events of one entity in the order of its changes', async () => {
    const stores = await openApart((await newDatabase()).address, 4);
    await stores[0]!.insert('Snapshot', [snapshot('s1', 'p1')]);

    await Promise.all(
      stores.flatMap((store) =>
        Array.from({ length: 5 }, () =>
          store.transaction(async (inside) => {
            const next = await inside.update('Snapshot', 's1', (current) => ({
              ...current,
              revision: current.revision + 1,
            }));
            await inside.appendEvents([event(String(next.revision))]);
          }),
        ),
      ),
    );

    const order = (await stores[0]!.readEvents(100)).map((entry) => Number(entry.event.id));
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });
});

describeUnless(notConcurrent, 'a connection that is lost', () => {
  const kill = (database: TestDatabase) =>
    database.ask(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'modelfn'",
    );

  it('while nobody used it is replaced, for reads and writes', async () => {
    const database = await newDatabase();
    const store = await open(database.address);
    await store.insert('Item', [item('i1')]);

    await kill(database);
    expect(await store.count('Item', {})).toBe(1);
    await kill(database);
    await store.insert('Item', [item('i2')]);

    expect(await store.count('Item', {})).toBe(2);
  });

  it('in the middle of a transaction leaves nothing of it, and the work is done once', async () => {
    const database = await newDatabase();
    const store = await open(database.address);
    let runs = 0;

    await store.transaction(async (inside) => {
      runs += 1;
      await inside.insert('Item', [item(`i${runs}`)]);
      await inside.appendEvents([event('e1')]);
      if (runs === 1) await kill(database);
      await inside.insert('Item', [item(`j${runs}`)]);
    });

    expect(runs).toBe(2);
    expect(await store.ids('Item', {})).toEqual(['i2', 'j2']);
    expect(await store.readEvents(10)).toHaveLength(1);
  });

  it.each(['before', 'after'] as const)(
    '%s the server had the commit: it is done once either way',
    async (way) => {
      const { address } = await newDatabase();
      const proxy = await startCuttingProxy(address);
      onTestFinished(() => proxy.stop());
      const store = await open(proxy.address);
      await store.insert('Project', [project('p1', { org: 0 })]);

      proxy.cut(way, 1);
      await store.update('Project', 'p1', (current) => ({ ...current, org: Number(current.org) + 1 }));
      proxy.cut(way, 1);
      await store.transaction(async (inside) => {
        await inside.appendEvents([event('e1')]);
        await inside.insert('Item', [item('i1')]);
      });
      proxy.cut(way, 1);
      await store.insert('Item', [item('i2')]);

      expect(proxy.cuts()).toBe(1);
      expect((await store.get('Project', 'p1'))!.org).toBe(1);
      expect(await store.ids('Item', {})).toEqual(['i1', 'i2']);
      expect(await store.readEvents(10)).toHaveLength(1);
    },
  );

  it('is not seen in an error of another place that the work of a transaction meets', async () => {
    const store = await open((await newDatabase()).address);
    const elsewhere = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    let runs = 0;

    const failing = store.transaction(async () => {
      runs += 1;
      throw elsewhere;
    });

    await expect(failing).rejects.toBe(elsewhere);
    expect(runs).toBe(1);
  });

  it('is told as an error that may pass when the server cannot be reached, without the password', async () => {
    const address = 'postgres://me:s3cr3t-w0rd@127.0.0.1:1/x?application_name=gone';
    const error: unknown = await openPostgresStore({ address }).catch((caught: unknown) => caught);

    expect(error).toMatchObject({ code: 'StoreUnavailable', retryable: true });
    expect(String(error)).toContain('Check that the server of MODELFN_STORE runs');
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('s3cr3t');
  });
});

describe('the schema', () => {
  it('never changes in its first step: stores of released versions have it; a change is a new step', () => {
    const first = createHash('sha256').update(JSON.stringify(MIGRATIONS[0])).digest('hex');

    expect(first.slice(0, 16)).toBe('496460357d364f23');
  });

  it('is brought up to date at open, once, with the rows that are there, and refuses to go back', async () => {
    const { address, ask } = await newDatabase();
    await (await open(address)).appendEvents([event('kept')]);
    const later = [...MIGRATIONS, ["alter table outbox add column extra text default 'x'"]];
    const connections = await Promise.all([1, 2, 3].map(() => connectTo(readPostgresAddress(address))));
    onTestFinished(async () => {
      await Promise.all(connections.map((connection) => connection.close()));
    });

    await Promise.all(connections.map((connection) => migrate(connection, later)));

    expect(await ask('select extra from outbox')).toEqual([{ extra: 'x' }]);
    expect(await codeOf(migrate(connections[0]!))).toBe('StoreTooNew');
  });

  it('stays as it was when a step fails half-way', async () => {
    const { address, ask } = await newDatabase();
    await open(address);
    const connection = await connectTo(readPostgresAddress(address));
    onTestFinished(() => connection.close());

    await expect(
      migrate(connection, [...MIGRATIONS, ['create table half ()', 'no statement']]),
    ).rejects.toThrow('syntax error');

    expect(await ask("select to_regclass('half') as half")).toEqual([{ half: null }]);
    await migrate(connection);
  });

  it('is not put into a database of another program', async () => {
    const { address, ask } = await newDatabase();
    await ask('create table items (x text)');

    expect(await codeOf(openPostgresStore({ address }))).toBe('StoreCorrupt');
    expect(await ask("select to_regclass('projects') as projects")).toEqual([{ projects: null }]);
  });
});

describe('texts and documents', () => {
  it('as long as a path, a label and a name may be fit, are unique and are found', async () => {
    const store = await open((await newDatabase()).address);
    // Random, so that nothing makes them shorter; three bytes a letter.
    const letters = (seed: number, count: number) =>
      Array.from({ length: count }, (_, index) => {
        const digest = createHash('sha256').update(`${seed} ${index}`).digest();
        return String.fromCharCode(0x4e00 + (digest.readUInt16BE() % 20_000));
      }).join('');
    const path = `/${letters(1, 1023)}`;
    const sibling = `${path.slice(0, -1)}x`;
    await store.insert('Item', [
      item('i1', { filename: path, dir: path }),
      item('i2', { filename: sibling }),
    ]);

    expect(await store.ids('Item', { filter: { filename: { $eq: path } } })).toEqual(['i1']);
    expect(await store.ids('Item', { filter: { filename: { $in: [sibling, 'x'] } } })).toEqual(['i2']);
    expect(await store.ids('Item', { filter: { filename: `${path.slice(0, 1000)}*` } })).toEqual([
      'i1',
      'i2',
    ]);
    expect(await store.ids('Item', { filter: { filename: { $gt: sibling } } })).toEqual(
      path > sibling ? ['i1'] : [],
    );
    expect(await codeOf(store.insert('Item', [item('i3', { filename: path })]))).toBe('Conflict');
  });

  it('are found in time by patterns with as many stars as a filter may have', async () => {
    const store = await open((await newDatabase()).address);
    await store.insert('Item', [
      item('i1', {
        filename: `/${'a'.repeat(1000)}b`,
        metadata: { system: {}, user: { t: 'a'.repeat(5000) } },
      }),
    ]);

    // A database that tries every way to match would not answer before the test's time is up.
    for (const pattern of [
      `${'*a'.repeat(32)}c`,
      `/${'a*'.repeat(32)}c`,
      `**${'/*'.repeat(31)}`,
      `${'*a**a'.repeat(15)}*c`,
    ]) {
      expect(await store.ids('Item', { filter: { filename: { $glob: pattern } } })).toEqual([]);
      expect(await store.ids('Item', { filter: { 'metadata.user.t': { $glob: pattern } } })).toEqual([]);
      expect(await store.ids('Item', { filter: { filename: pattern.replaceAll('**', '*') } })).toEqual([]);
    }
  });
});
