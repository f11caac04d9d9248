import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LineReader } from '../../../adapters/python/line-reader.ts';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

function read() {
  const lines: string[] = [];
  const onLine = (text: string) => void lines.push(text);
  const reader = new LineReader({ onLine, progressMs: 1000, maxLength: 20, now: () => Date.now() });
  return { lines, reader };
}

it('lines come as soon as they end, whatever the pieces they come in', () => {
  const { lines, reader } = read();

  reader.write('one\ntw');
  expect(lines).toEqual(['one']);
  reader.write('o\n\nthree');
  expect(lines).toEqual(['one', 'two', '']);
  reader.flush();
  expect(lines).toEqual(['one', 'two', '', 'three']);
});

it('a Windows line end is one end, cut in the middle too', () => {
  const { lines, reader } = read();

  reader.write('one\r\ntwo\r');
  reader.write('\nthree\r\n');

  expect(lines).toEqual(['one', 'two', 'three']);
});

it.each([
  ['before each state', (state: string) => `\r${state}`],
  ['after each state', (state: string) => `${state}\r`],
])(
  'a progress bar that returns %s shows its first state at once, one a second, and the last',
  (_what, drawn) => {
    const { lines, reader } = read();

    for (let step = 0; step <= 100; step += 1) {
      reader.write(drawn(`${step}%`));
      vi.advanceTimersByTime(25);
    }
    reader.write('\n');
    reader.write('done\n');

    expect(lines[0]).toBe('0%');
    expect(lines.slice(-2)).toEqual(['100%', 'done']);
    expect(lines.length).toBeLessThanOrEqual(6);
    expect(new Set(lines).size).toBe(lines.length);
  },
);

it('the last state of a progress bar that stops is shown without another word', () => {
  const { lines, reader } = read();

  reader.write('\r 1%');
  reader.write('\r 2%');
  expect(lines).toEqual([' 1%']);
  vi.advanceTimersByTime(1000);

  expect(lines).toEqual([' 1%', ' 2%']);
});

it('a progress bar that clears itself leaves its last state', () => {
  const { lines, reader } = read();

  reader.write('\r50%\r100%\r    \r');
  reader.flush();

  expect(lines).toEqual(['100%']);
});

it('a line without an end takes no memory beyond its limit', () => {
  const { lines, reader } = read();

  for (let piece = 0; piece < 10; piece += 1) reader.write('0123456789');
  reader.write('\n');

  expect(lines).toEqual(['01234567890123456789']);
});
