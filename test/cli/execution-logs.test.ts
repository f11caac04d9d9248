import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LogLine } from '../../shared/entities/log-line.ts';
import { openSqliteStore } from '../../shared/store/sqlite.ts';
import { execution } from '../shared/store/sample-entities.ts';
import { commandLine } from './command-line.ts';

const TIME = '2026-01-31T12:00:00.000Z';
const line = (message: string): LogLine => ({ timestamp: TIME, level: 'info', message });
const ended = { timestamp: TIME, status: 'success' } as const;

async function open(options: Parameters<typeof commandLine>[0] = {}) {
  const cli = commandLine(options);
  await cli.run('projects', 'list');
  const store = await openSqliteStore({ path: join(cli.cwd, 'home', 'store.sqlite') });
  await store.insert('Execution', [execution('e1', null)]);
  return { cli, store };
}

it('executions logs prints what there is, for people and for programs', async () => {
  const { cli, store } = await open();
  await store.appendLogs('e1', [line('one'), line('two \u001b[31mred')]);

  expect((await cli.run('executions', 'logs', 'e1')).stdout).toBe(
    `${TIME} info  one\n${TIME} info  two \\e[31mred\n`,
  );
  expect(await cli.json('executions', 'logs', 'e1')).toEqual([line('one'), line('two \u001b[31mred')]);
  await store.close();
});

it('executions logs says when nothing was logged, and when there is no such execution', async () => {
  const { cli, store } = await open();

  expect((await cli.run('executions', 'logs', 'e1')).stdout).toBe('Execution e1 logged nothing.\n');
  expect(await cli.fail('executions', 'logs', 'e2')).toMatchObject({ error: 'EntityNotFound' });
  await store.close();
});

it('executions logs --follow prints lines as they come, up to the end of the run', async () => {
  const printed: string[] = [];
  const seen = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stdout = {
    write: (text: string) => {
      printed.push(text);
      seen[printed.length - 1]?.resolve();
    },
  };
  const { cli, store } = await open({ stdout });
  printed.length = 0;
  await store.appendLogs('e1', [line('one')]);

  const following = cli.run('executions', 'logs', 'e1', '--follow');
  await seen[0]!.promise;
  await store.appendLogs('e1', [line('two')]);
  await store.update('Execution', 'e1', (current) => ({ ...current, latestStatus: ended }));
  await following;

  expect(printed.join('')).toBe(`${TIME} info  one\n${TIME} info  two\n`);
  await store.close();
});
