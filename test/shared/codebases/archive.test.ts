import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Zippable, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { ARCHIVE_LIMITS, packFolder, unpackArchive } from '../../../shared/codebases/archive.ts';
import { bytesOf, codeOf } from '../../contracts/bucket.contract.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { writeFiles } from '../snapshots/weights.ts';
import { codeIn } from './code-in.ts';

const LINK = 0o120777 << 16;
const PIPE = 0o010644 << 16;

function zipOf(...entries: [string, Zippable[string]][]): Uint8Array {
  return zipSync(Object.fromEntries(entries));
}

/** An archive whose only name is replaced by one of the same length, which fflate would not write. */
function renamed(from: string, to: string, archive: Uint8Array): Uint8Array {
  const text = Buffer.from(archive).toString('latin1').replaceAll(from, to);
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** Overwrites a field of the first entry of the central directory. */
function patched(archive: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = Buffer.from(archive);
  copy.writeUInt32LE(value, copy.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1')) + offset);
  return new Uint8Array(copy);
}

/** Overwrites a field of the first entry's own head. */
function patchedHead(archive: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = Buffer.from(archive);
  copy.writeUInt32LE(value, offset);
  return new Uint8Array(copy);
}

/** Overwrites the name in the first entry's own head, and not in the list of entries. */
function renamedHead(name: string, archive: Uint8Array): Uint8Array {
  const copy = Buffer.from(archive);
  copy.write(name, 30, 'latin1');
  return new Uint8Array(copy);
}

const one = zipOf(['aaaa.ts', bytesOf('text '.repeat(50))]);
const two = zipOf(['aaaa', bytesOf('1')], ['bbbb', bytesOf('2')]);
const huge = new Uint8Array(40 * 2 ** 20);

const REFUSED: [string, Uint8Array][] = [
  ['what is no zip', bytesOf('not a zip file, but long enough to hold the end of one')],
  ['nothing', new Uint8Array()],
  ['a zip cut at its end', one.subarray(0, -4)],
  ['a zip cut at its start', one.subarray(9)],
  ['a head with another name than the list of entries', renamedHead('evil', one)],
  ['a head with another size than the list of entries', patchedHead(one, 22, 7)],
  ['a head with another compressed size than the list of entries', patchedHead(one, 18, 7)],
  ['a head with another checksum than the list of entries', patchedHead(one, 14, 7)],
  ['a head with another compression than the list of entries', patchedHead(one, 8, 0)],
  ['a path that climbs', zipOf(['../up.ts', bytesOf('x')])],
  ['a path that climbs from inside', zipOf(['a/../../up.ts', bytesOf('x')])],
  ['an absolute path', zipOf(['/etc/cron.d/x', bytesOf('x')])],
  ['a backslash', zipOf(['..\\up.ts', bytesOf('x')])],
  ['a drive', zipOf(['C:/x.ts', bytesOf('x')])],
  ['a folder that climbs', zipOf(['../', new Uint8Array()], ['a', bytesOf('x')])],
  ['NUL in a name', renamed('aaaa.ts', 'a\0aa.ts', one)],
  ['a name that is not UTF-8', renamed('aaaa.ts', 'a\xff\xfea.ts', one)],
  ['a symbolic link', zipOf(['link', [bytesOf('/etc/passwd'), { os: 3, attrs: LINK }]])],
  ['a pipe', zipOf(['pipe', [bytesOf(''), { os: 3, attrs: PIPE }]])],
  ['a name twice', renamed('bbbb', 'aaaa', two)],
  ['names that differ in case only', renamed('bbbb', 'AAAA', two)],
  ['a file that is a folder too', zipOf(['a', bytesOf('x')], ['a/b', bytesOf('y')])],
  ['only folders', zipOf(['a/', new Uint8Array()])],
  ['a size that lies low', patched(one, 24, 10)],
  ['a size that lies high', patched(one, 24, 1000)],
  ['a wrong checksum', patched(one, 16, 1)],
  ['compressed bytes over the end', patched(one, 20, 5000)],
  ['a head that is none', patched(one, 42, 7)],
  ['a head beyond the end', patched(one, 42, 0x7fffffff)],
  ['an unknown compression', patched(one, 10, 12)],
  ['an encrypted entry', patched(one, 8, 1 | (8 << 16))],
  ['a bomb by ratio', zipOf(['zeros', huge])],
  ['entries that share their bytes', patched(zipOf(['aaaa', bytesOf('1')], ['bbbb', bytesOf('1')]), 42, 0)],
];

describe('unpacking an archive', () => {
  it('gives back what was packed, for any code', async () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9 ._ü-]{0,8}$/);
    const code = fc.dictionary(
      fc
        .array(name, { minLength: 1, maxLength: 3 })
        .map((parts) => `d-${parts.join('/d-')}/f-${parts[0]}.ts`),
      fc.string(),
      { minKeys: 1, maxKeys: 5 },
    );
    await fc.assert(
      fc.asyncProperty(code, async (files) => {
        const folded = Object.keys(files).map((path) => path.toLowerCase());
        fc.pre(new Set(folded).size === folded.length);
        const archive = await packFolder(await writeFiles(temporaryFolder(), files));
        const target = temporaryFolder();

        await unpackArchive(archive, target);

        expect(await codeIn(target)).toEqual(files);
      }),
      { numRuns: 25 },
    );
  });

  it('takes folders, stored entries and modes as other tools write them', async () => {
    const archive = zipOf(
      ['lib/', [new Uint8Array(), { os: 3, attrs: 0o040755 << 16 }]],
      ['lib/stored.py', [bytesOf('x = 1'), { level: 0, os: 3, attrs: 0o100755 << 16 }]],
      ['model_adapter.py', bytesOf('class ModelAdapter: pass')],
    );
    const target = temporaryFolder();

    await unpackArchive(archive, target);

    expect(await codeIn(target)).toEqual({
      'lib/stored.py': 'x = 1',
      'model_adapter.py': 'class ModelAdapter: pass',
    });
  });

  it.each(REFUSED)('refuses %s', async (_name, archive) => {
    const parent = temporaryFolder();
    const target = join(parent, 'a/b');

    expect(await codeOf(unpackArchive(archive, target))).toBe('ArchiveRefused');
    expect(
      (await readdir(parent, { recursive: true })).filter((path) => /up|passwd|link/.test(path)),
    ).toEqual([]);
  });

  it('of a bomb whose head tells little unpacks no more than that', async () => {
    const bomb = patchedHead(patched(zipOf(['zeros', huge]), 24, 100), 22, 100);

    const failure = await unpackArchive(bomb, temporaryFolder()).catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: 'ArchiveRefused', cause: { code: 'ERR_BUFFER_TOO_LARGE' } });
  });

  it('refuses what is over a limit', async () => {
    const unpack = (limits: Partial<typeof ARCHIVE_LIMITS>) =>
      codeOf(unpackArchive(two, temporaryFolder(), { ...ARCHIVE_LIMITS, ...limits }));

    expect(await unpack({ archiveBytes: two.byteLength - 1 })).toBe('ArchiveRefused');
    expect(await unpack({ files: 1 })).toBe('ArchiveRefused');
    expect(await unpack({ unpackedBytes: 1 })).toBe('ArchiveRefused');
    expect(await unpack({ archiveBytes: two.byteLength, files: 2, unpackedBytes: 2 })).toEqual({
      fulfilled: undefined,
    });
  });

  it('refuses any single flipped bit, or unpacks the same', async () => {
    const whole = { 'aaaa.ts': 'text '.repeat(50) };
    for (let bit = 0; bit < one.byteLength * 8; bit += 13) {
      const damaged = new Uint8Array(one);
      damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7));
      const target = temporaryFolder();
      const result = await codeOf(unpackArchive(damaged, target));
      if (result === 'ArchiveRefused') continue;
      expect(result).toEqual({ fulfilled: undefined });
      expect(Object.values(await codeIn(target))).toEqual(Object.values(whole));
    }
  });
});

describe('packing a folder', () => {
  it('refuses an empty one and one over the limits', async () => {
    const folder = await writeFiles(temporaryFolder(), { 'a.ts': 'a', 'b.ts': 'b' });

    expect(await codeOf(packFolder(temporaryFolder()))).toBe('CodebaseNotFound');
    expect(await codeOf(packFolder(folder, { ...ARCHIVE_LIMITS, files: 1 }))).toBe('ArchiveRefused');
    expect(await codeOf(packFolder(folder, { ...ARCHIVE_LIMITS, archiveBytes: 10 }))).toBe('ArchiveRefused');
  });

  it('packs no secrets and no installed packages', async () => {
    const folder = await writeFiles(temporaryFolder(), {
      'a.ts': 'a',
      '.env': 'KEY=planted',
      'node_modules/x.js': 'x',
    });

    expect(Buffer.from(await packFolder(folder)).toString('latin1')).not.toMatch(
      /\.env|planted|node_modules/,
    );
  });
});
