import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  belowFolder,
  foldersAbove,
  joinPath,
  readFolderPath,
  readItemPath,
} from '../../../shared/catalog/item-path.ts';

const name = fc
  .stringMatching(/^[\w.é*?[\]~ -]{1,12}$/)
  .filter((text) => text.trim() === text && text !== '.' && text !== '..');
const path = fc.array(name, { minLength: 1, maxLength: 5 }).map((names) => `/${names.join('/')}`);

describe('paths of items', () => {
  it('a path taken apart and joined again is the same path', () => {
    fc.assert(
      fc.property(path, (text) => {
        const read = readItemPath(text);
        expect(joinPath(read.dir, read.name)).toBe(text);
      }),
    );
  });

  it('every folder above is a prefix, and a path lies below exactly those', () => {
    fc.assert(
      fc.property(path, path, (text, other) => {
        const isBelow = (folder: string): boolean => {
          const [from, to] = belowFolder(folder).$and.map(({ filename }) => Object.values(filename)[0]!);
          return text > from! && text < to!;
        };
        for (const folder of foldersAbove(text)) expect(isBelow(folder)).toBe(true);
        expect(isBelow(other)).toBe(foldersAbove(text).includes(other));
      }),
    );
  });

  it('a path without its first slash names the same place', () => {
    expect(readItemPath('a/b.png')).toEqual({ filename: '/a/b.png', name: 'b.png', dir: '/a' });
    expect(readItemPath('/b.png').dir).toBe('/');
  });

  it('a folder may be written with a slash at the end, a file may not', () => {
    expect(readFolderPath('/a/b/').filename).toBe('/a/b');
    expect(() => readItemPath('/a/b/')).toThrow(expect.objectContaining({ code: 'InvalidItemPath' }));
  });

  it.each([
    ['', 'empty'],
    ['/', 'the root'],
    ['/../etc/passwd', 'a climb'],
    ['/a/../../b', 'a climb inside'],
    ['/a/./b', 'a dot'],
    ['/a//b', 'an empty part'],
    ['/a\\b', 'a backslash'],
    ['/a\0b', 'a NUL'],
    ['/a\nb', 'a line break'],
    ['/a\u009bb', 'a C1 control character'],
    ['/a ', 'a blank at the end'],
    ['/a /b', 'a blank at the end of a folder'],
    ['/\u00a0a', 'a no-break space in front'],
    ['/\ud800', 'half a surrogate pair'],
    [`/${'a'.repeat(256)}`, 'a name over 255 bytes'],
    [`/${'é'.repeat(128)}`, 'a name over 255 bytes in UTF-8'],
    [`/${'abc/'.repeat(256)}d`, 'a path over 1,024 characters'],
  ])('refuses %j: %s', (hostile) => {
    expect(() => readItemPath(hostile)).toThrow(expect.objectContaining({ code: 'InvalidItemPath' }));
  });
});
