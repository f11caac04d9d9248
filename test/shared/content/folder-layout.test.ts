import { describe, expect, it } from 'vitest';
import { layoutProblem, MAX_TOTAL_BYTES } from '../../../shared/content/folder-layout.ts';

const files = (...paths: string[]) => paths.map((path) => ({ path, sizeBytes: 1 }));

describe('a list of files', () => {
  it.each([[['a', 'b/c', 'b/d', 'B2/c']], [['a.txt', 'a/b']], [['x/y/z', 'x/y2']]])(
    'can be laid out: %j',
    (paths) => {
      expect(layoutProblem(files(...paths))).toBeUndefined();
    },
  );

  it.each([
    [['a', 'a'], 'a'],
    [['a', 'A'], 'A'],
    [['\u00fc', 'u\u0308'], 'u\u0308'],
    [['a', 'a/b'], 'a/b'],
    [['a/b', 'a'], 'a'],
    [['a/b', 'A/c'], 'A/c'],
    [['ok', '../up'], '../up'],
  ])('cannot: %j', (paths, culprit) => {
    expect(layoutProblem(files(...paths))?.file).toBe(culprit);
  });

  it('cannot be larger than any disk', () => {
    const half = MAX_TOTAL_BYTES / 2 + 1;
    expect(layoutProblem([{ path: 'a', sizeBytes: half }])).toBeUndefined();
    expect(
      layoutProblem([
        { path: 'a', sizeBytes: half },
        { path: 'b', sizeBytes: half },
      ])?.file,
    ).toBe('b');
  });
});
