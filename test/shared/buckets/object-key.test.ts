import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkKey, checkPrefix } from '../../../shared/buckets/object-key.ts';

const REFUSED: [string, string][] = [
  ['an empty key', ''],
  ['the parent', '..'],
  ['the folder itself', '.'],
  ['a climb', '../a'],
  ['a climb from inside', 'a/../../b'],
  ['a climb that stays inside', 'a/../b'],
  ['a climb at the end', 'a/..'],
  ['a dot part', 'a/./b'],
  ['a leading dot part', './a'],
  ['a trailing dot part', 'a/.'],
  ['an absolute path', '/a'],
  ['the root', '/'],
  ['two leading slashes', '//server/share'],
  ['an empty part', 'a//b'],
  ['a trailing slash', 'a/'],
  ['a drive', 'C:/Windows'],
  ['a small drive', 'c:/x'],
  ['a drive with a backslash', 'C:\\Windows'],
  ['a backslash', 'a\\b'],
  ['a backslash climb', '..\\..\\a'],
  ['a UNC path', '\\\\server\\share'],
  ['NUL', 'a\0'],
  ['NUL before a suffix', 'a\0.bin'],
  ['a line feed', 'a\nb'],
  ['a carriage return', 'a\rb'],
  ['a tab', 'a\tb'],
  ['an escape', 'a\u001b[31m'],
  ['delete', 'a\u007f'],
  ['a C1 control', 'a\u0085b'],
  ['a line separator', 'a\u2028b'],
  ['a paragraph separator', 'a\u2029b'],
  ['half a surrogate pair', 'a\ud800'],
  ['the other half', '\udc00b'],
  ['a key beyond 1024 bytes', `${'a/'.repeat(512)}a`],
  ['a part beyond 255 bytes', 'a'.repeat(256)],
  ['a part beyond 255 bytes in UTF-8', 'ü'.repeat(128)],
];

const ACCEPTED: [string, string][] = [
  ['a name', 'model.bin'],
  ['a path', 'a/b/c'],
  ['a dot file', '.keep'],
  ['three dots', '...'],
  ['a name that starts with two dots', '..a'],
  ['a name that ends with two dots', 'a..'],
  ['a blank', 'a b'],
  ['an umlaut, composed', '\u00fc'],
  ['an umlaut, decomposed', 'u\u0308'],
  ['an emoji', '🦊.bin'],
  ['a percent escape, which is not decoded', '%2e%2e/x'],
  ['a tilde', '~root'],
  ['a colon inside', 'a:b'],
  ['a Windows device name', 'CON'],
  ['a property of all objects', '__proto__'],
  ['a part of 255 bytes', 'a'.repeat(255)],
  ['a key of 1023 bytes', `${'a/'.repeat(511)}a`],
];

describe('keys of objects', () => {
  it.each(REFUSED)('refuse %s', (_name, key) => {
    expect(() => checkKey(key)).toThrow(expect.objectContaining({ code: 'InvalidKey' }));
  });

  it.each(ACCEPTED)('take %s as it is', (_name, key) => {
    expect(checkKey(key)).toBe(key);
  });

  it('that pass never lead out of their folder', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('.', '..', '/', 'a', '\\', '\0', 'ü')), (parts) => {
        const key = parts.join('');
        try {
          checkKey(key);
        } catch {
          return;
        }
        expect(posix.join('/bucket', key)).toBe(`/bucket/${key}`);
      }),
    );
  });
});

describe('prefixes', () => {
  it.each(['', 'a', 'a/', 'a/b', '.', '..', 'a/.'])('may be the start of a key: %j', (prefix) => {
    expect(checkPrefix(prefix)).toBe(prefix);
  });

  it.each(['../', './', 'a/../', '/', '//', 'a//', '\\', 'a\0'])('may not be %j', (prefix) => {
    expect(() => checkPrefix(prefix)).toThrow(expect.objectContaining({ code: 'InvalidKey' }));
  });
});
