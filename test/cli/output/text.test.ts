import { describe, expect, it } from 'vitest';
import { barLine, progressBar } from '../../../cli/output/progress-bar.ts';
import { sparkline } from '../../../cli/output/sparkline.ts';
import { fields, table, visible } from '../../../cli/output/table.ts';
import { durationText, numberText, sizeText } from '../../../cli/output/units.ts';

describe('table', () => {
  it('aligns columns, numbers to the right, and shows what is missing as a dash', () => {
    const text = table(
      ['NAME', 'COUNT'],
      [
        ['a', 1],
        [null, 100],
      ],
    );

    expect(text).toBe('NAME  COUNT\na         1\n-       100');
  });

  it('shows what to do where there is nothing to show', () => {
    expect(table(['NAME'], [], 'Nothing yet.')).toBe('Nothing yet.');
  });

  it('keeps a cell on one line and short, whatever it holds', () => {
    const [, row] = table(['NAME'], [[`a\nb${'c'.repeat(200)}`]]).split('\n');

    expect(row).toMatch(/^a bc+\.\.\.$/);
    expect(row!.length).toBe(100);
  });

  it('puts names and values side by side', () => {
    expect(
      fields([
        ['name', 'x'],
        ['locked', false],
      ]),
    ).toBe('name    x\nlocked  no');
  });

  it('makes control characters and hidden directions visible', () => {
    expect(visible('a\u001b[31mb\u202ec\u0007')).toBe('a\\e[31mb\\u202ec\\u0007');
  });
});

describe('progressBar', () => {
  it.each([
    [0, '[------------------------]   0%'],
    [0.5, '[############------------]  50%'],
    [1, '[########################] 100%'],
    [7, '[########################] 100%'],
    [Number.NaN, '[------------------------]   0%'],
  ])('draws %d as %s', (fraction, bar) => {
    expect(barLine('train', fraction, '')).toBe(`train ${bar}`);
  });

  it('writes to a terminal only, never the same line twice, and cleans up after itself', () => {
    const written: string[] = [];
    const stderr = { write: (text: string) => written.push(text) };
    const bar = progressBar({ isTTY: true, stderr, columns: 40 } as never, 'train');
    bar.update(0.5, 'x'.repeat(100));
    bar.update(0.5, 'x'.repeat(100));
    bar.end();
    progressBar({ isTTY: false, stderr } as never, 'train').update(0.5);

    expect(written).toHaveLength(2);
    expect(written[0]!.replace('\r\u001b[K', '')).toHaveLength(39);
    expect(written[1]).toBe('\r\u001b[K');
  });
});

describe('sparkline', () => {
  it('draws from the lowest to the highest value, a flat curve low, and nothing of no numbers', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([3, 3])).toBe('▁▁');
    expect(sparkline([Number.NaN])).toBe('');
  });

  it('groups more values than fit', () => {
    const values = Array.from({ length: 1000 }, (_, index) => index);

    expect(sparkline(values, 8)).toBe('▁▂▃▄▅▆▇█');
  });
});

describe('units', () => {
  it('writes sizes, numbers and times for people', () => {
    expect([sizeText(640), sizeText(1_234_567), sizeText(5e15)]).toEqual(['640 B', '1.2 MB', '5000.0 TB']);
    expect([numberText(3), numberText(1 / 3)]).toEqual(['3', '0.3333']);
    expect([durationText(12.3), durationText(2500)]).toEqual(['12 ms', '2.5 s']);
  });
});
