import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { OutputLog } from '../../../adapters/python/output-log.ts';
import { jsonLog } from '../../../shared/log.ts';

function follow() {
  const state = { now: 0, lines: [] as { message: string; line?: string; lines?: number }[] };
  const log = jsonLog('info', (line) => void state.lines.push(JSON.parse(line)));
  const output = new OutputLog(
    () => log,
    'model.py',
    () => state.now,
  );
  const stream = new PassThrough();
  output.follow(stream, 'stderr');
  return { state, output, print: (text: string) => void stream.emit('data', Buffer.from(text)) };
}

it('lines above the limit are left out and counted, and later ones are logged again', () => {
  const { state, print } = follow();

  for (let line = 0; line < 2_500; line += 1) print(`line ${line}\n`);
  state.now = 1_000;
  print('later\n');

  expect(state.lines.filter(({ line }) => line !== undefined)).toHaveLength(2_001);
  expect(state.lines.slice(-2)).toMatchObject([{ lines: 500 }, { line: 'later' }]);
});

it('the last words of a process have the last state of a progress bar, not all of them', () => {
  const { output, print } = follow();

  print('starting\n\r 1%\r 2%\r 3%\nTraceback\r\n');

  expect(output.lastWords).toBe('starting\n 3%\nTraceback');
});
