import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileWildcard, endOfPrefix, literalPrefix } from '../../../shared/query/wildcard.ts';

const PATHS = ['/r.jpg', '/dir1/a.jpg', '/dir1/dir2/b.jpg', '/dir1', '/dir10/c.jpg'];

describe('a wildcard', () => {
  it.each<[string, boolean, string[]]>([
    ['/*', false, PATHS],
    ['/*', true, ['/r.jpg', '/dir1']],
    ['/**', true, PATHS],
    ['/dir1/*', true, ['/dir1/a.jpg']],
    ['/dir1/**', true, ['/dir1/a.jpg', '/dir1/dir2/b.jpg', '/dir1']],
    ['/dir1/**', false, ['/dir1/a.jpg', '/dir1/dir2/b.jpg', '/dir1']],
    ['/dir1*', true, ['/dir1']],
    ['/dir1**', true, ['/dir1/a.jpg', '/dir1/dir2/b.jpg', '/dir1', '/dir10/c.jpg']],
    ['**/b.jpg', true, ['/dir1/dir2/b.jpg']],
    ['**/r.jpg', false, ['/r.jpg']],
    ['/*/*/*', true, ['/dir1/dir2/b.jpg']],
    ['*.jpg', true, []],
    ['***', true, PATHS],
    ['/R.jpg*', false, []],
  ])('%s, path-aware %s', (pattern, pathAware, expected) => {
    const fits = compileWildcard(pattern, { pathAware });

    expect(PATHS.filter(fits)).toEqual(expected);
  });

  it('takes every other character as itself', () => {
    for (const text of [
      'a.b',
      '[a]',
      'a?',
      '(a|b)+',
      '\\d',
      'a%_',
      '$^',
      '{a,b}',
      'a\u0000b',
      '\n',
      '\u{1f600}',
    ])
      for (const pathAware of [true, false]) {
        expect(compileWildcard(`*${text}*`, { pathAware })(`x${text}y`)).toBe(true);
        expect(compileWildcard(text, { pathAware })('a')).toBe(false);
      }
  });

  it('answers a hostile pattern on a long text at once', () => {
    const fits = compileWildcard(`${'*a'.repeat(50)}b`, { pathAware: false });

    // A matcher that tries every way would not end.
    expect(fits('a'.repeat(20_000))).toBe(false);
  });

  it('begins with its literal prefix in all that fits, and the prefix ends before its end', () => {
    const word = fc.constantFrom('', '/', 'a', 'ab', '*', '**', '/**', '\u{10ffff}', '\ud7ff', 'é');
    const joined = fc.array(word, { maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(joined, joined, fc.boolean(), (pattern, text, pathAware) => {
        const prefix = literalPrefix(pattern);
        const end = endOfPrefix(prefix);
        if (!pattern.includes('*') || !compileWildcard(pattern, { pathAware })(text)) return;

        expect(text.startsWith(prefix)).toBe(true);
        if (end !== undefined) expect(Buffer.compare(Buffer.from(text), Buffer.from(end))).toBe(-1);
      }),
      { numRuns: 5_000 },
    );
  });

  it('has an end of prefix that is above its texts and not above the next', () => {
    expect(endOfPrefix('/dir1')).toBe('/dir2');
    expect(endOfPrefix('a\u{10ffff}')).toBe('b');
    expect(endOfPrefix('\ud7ff')).toBe('\ue000');
    expect(endOfPrefix('\u{10ffff}')).toBeUndefined();
    expect(endOfPrefix('')).toBeUndefined();
  });
});
