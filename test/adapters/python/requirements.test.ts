import { describe, expect, it } from 'vitest';
import { decodeRequirements, readRequirements } from '../../../adapters/python/requirements.ts';

const SOURCES = ['https://wheels.example/cpu', '/srv/wheels'];
const read = (text: string, sources: readonly string[] = []) =>
  readRequirements(text, { sources, where: 'requirements.txt' });
const utf8 = (text: string) => new TextEncoder().encode(text);

describe('requirements of an adapter', () => {
  it.each([
    'numpy',
    'numpy==1.26.4',
    'numpy>=1.20,<2',
    'torch==2.1.0+cpu',
    'requests[socks,security] >= 2.8.1, == 2.8.*',
    'scikit-learn~=1.3 ; python_version < "3.12" and sys_platform == "linux"',
    'zope.interface (>=5.0)',
    `tiny==1.0 --hash=sha256:${'0'.repeat(64)} --hash=sha256:${'1'.repeat(64)}`,
    'yolo @ https://packages.example/yolo-1.0.tar.gz',
    'yolo @ git+https://git.example/yolo.git@v1.0',
    'git+https://git.example/yolo.git@v1.0#egg=yolo',
    '--pre',
    '--prefer-binary',
    '--require-hashes',
    '--only-binary=:all:',
    '--no-binary=numpy,scipy',
  ])('are passed to pip when they name packages: %s', (line) => {
    expect(read(`${line}\n`)).toEqual([line]);
  });

  it('are passed without comments and blank lines, and with continued lines joined', () => {
    const text = '# pinned\r\n\r\nnumpy==1.26.4 \\\r\n    --hash=sha256:00 # why\r\n\tscipy\t\r\n#end';

    expect(read(text)).toEqual(['numpy==1.26.4 --hash=sha256:00', 'scipy']);
  });

  it.each([
    ['another file', '-r other.txt'],
    ['another file without a space', '-rother.txt'],
    ['another file by the long option', '--requirement=other.txt'],
    ['another file by an abbreviated option', '--req other.txt'],
    ['constraints', '-c constraints.txt'],
    ['constraints by the long option', '--constraint constraints.txt'],
    ['an editable folder', '-e .'],
    ['an editable address', '-e git+https://git.example/x.git#egg=x'],
    ['an editable folder by the long option', '--editable=.'],
    ['a relative path', './wheel.whl'],
    ['a path without a dot', 'folder/package'],
    ['a path of the parent folder', '../package'],
    ['an absolute path', '/etc/package'],
    ['a path of the home folder', '~/package'],
    ['a path of Windows', 'C:\\package'],
    ['a wheel of the working folder', 'tinypackage-1.0-py3-none-any.whl'],
    ['a source archive of the working folder', 'tinypackage-1.0.tar.gz'],
    ['a file URL', 'file:///tmp/x.whl'],
    ['a named file URL', 'name @ file:///tmp/x.whl'],
    ['a named file URL without spaces', 'name@file:///tmp/x.whl'],
    ['a file URL with a host', 'name @ FILE://localhost/tmp/x.whl'],
    ['a local repository', 'git+file:///srv/repository'],
    ['a named local repository', 'name @ git+file:///srv/repository'],
    ['a repository over ssh', 'name @ git+ssh://git@git.example/x.git'],
    ['a local repository of Mercurial', 'hg+file:///srv/repository'],
    ['an address without encryption', 'name @ http://packages.example/x.whl'],
    ['a folder of packages', '--find-links /tmp/wheels'],
    ['a folder of packages by the short option', '-f /tmp/wheels'],
    ['a folder of packages by an abbreviated option', '--find=/tmp/wheels'],
    ['another index', '--index-url https://other.example/simple'],
    ['another index by the short option', '-i https://other.example/simple'],
    ['another index without a space', '-ihttps://other.example/simple'],
    ['another index by its old name', '--pypi-url=https://other.example/simple'],
    ['an additional index', '--extra-index-url=https://other.example/simple'],
    ['no index', '--no-index'],
    ['a trusted host', '--trusted-host other.example'],
    ['an option of a package', 'numpy --config-settings=x=y'],
    ['an option of a package that runs code', 'numpy --global-option=build_ext'],
    ['an option after a marker', 'numpy ; python_version < "3" --install-option=x'],
    ['a variable of the environment', `numpy==\${VERSION}`],
    ['a variable in an address', `x @ https://\${TOKEN}@packages.example/x.whl`],
    ['an option behind a form feed', 'numpy\f-r /etc/passwd'],
    ['an option behind a line separator', 'numpy\u2028--find-links=/tmp'],
    ['an option behind a continued line', 'numpy \\\n--index-url=https://other.example'],
    ['a NUL', 'numpy\0'],
  ])('are refused for %s', (_kind, line) => {
    expect(() => read(`numpy\n${line}\n`, SOURCES)).toThrow(
      expect.objectContaining({ code: 'PythonRequirementRefused', statusCode: 422 }),
    );
  });

  it.each([
    ['--extra-index-url https://wheels.example/cpu', '--extra-index-url=https://wheels.example/cpu'],
    ['-f https://wheels.example/cpu/torch.html', '--find-links=https://wheels.example/cpu/torch.html'],
    ['-i https://wheels.example/cpu/', '--index-url=https://wheels.example/cpu/'],
    ['--find-links=/srv/wheels', '--find-links=/srv/wheels'],
    ['--find-links file:///srv/wheels/2024', '--find-links=file:///srv/wheels/2024'],
  ])('may name a source that the operator allows: %s', (line, passed) => {
    expect(read(line, SOURCES)).toEqual([passed]);
  });

  it.each([
    '-f /srv/wheels/../secret',
    '-f /srv/wheels/%2e%2e/secret',
    '-f /srv/wheels-of-others',
    '-i https://wheels.example/cpu-evil',
    '-i https://wheels.example.evil/cpu',
    '-i https://user:word@wheels.example/cpu',
    '-i http://wheels.example/cpu',
  ])('may not name a source beside the allowed ones: %s', (line) => {
    expect(() => read(line, SOURCES)).toThrow(/MODELFN_PYTHON_SOURCES/);
  });

  it('show no credentials of an address that is refused', () => {
    expect(() => read('-i https://user:hunter2@other.example/simple')).toThrow(
      expect.objectContaining({
        message: expect.not.stringContaining('hunter2'),
        details: expect.objectContaining({ line: '-i https://***@other.example/simple' }),
      }),
    );
  });

  it('are read as UTF-8 or UTF-16 with a byte order mark, whatever encoding a comment names', () => {
    const utf16 = Uint8Array.of(0xff, 0xfe, ...Buffer.from('numpy==1.0', 'utf16le'));

    expect(decodeRequirements(utf16, 'requirements.txt')).toBe('numpy==1.0');
    expect(decodeRequirements(utf8('\ufeffnumpy'), 'requirements.txt')).toBe('numpy');
    expect(() => read(decodeRequirements(utf8('# coding: utf-7\n+AC0-r x'), 'requirements.txt'))).toThrow(
      /not a package/,
    );
    expect(() => decodeRequirements(Uint8Array.of(0x80, 0x81), 'requirements.txt')).toThrow(/UTF-8/);
  });
});
