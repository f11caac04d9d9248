import { describe, expect, it } from 'vitest';
import { bucketSpecSchema } from '../../../shared/entities/bucket-spec.ts';
import { codebaseSpecSchema } from '../../../shared/entities/codebase-spec.ts';
import { gitPathProblem, gitRefProblem, readGitUrl } from '../../../shared/git/address.ts';
import { parse } from '../../../shared/parse.ts';

const REFUSED_URLS: [string, string][] = [
  ['a remote helper', 'ext::sh -c "touch /tmp/x".git'],
  ['a remote helper without blanks', 'ext::/bin/touch%20/tmp/x.git'],
  ['a transport in a transport', 'file::///etc/x.git'],
  ['an option', '-oProxyCommand=touch.git'],
  ['a long option', '--upload-pack=touch.git'],
  ['a host that is an option', 'ssh://-oProxyCommand=touch/x.git'],
  ['a user that is an option', 'ssh://-oProxyCommand=touch@host/x.git'],
  ['an escaped option as host', 'ssh://%2doProxyCommand=x/y.git'],
  ['the short form of ssh', 'git@host:x.git'],
  ['the short form with an option', '-x@host:x.git'],
  ['the git transport', 'git://host/x.git'],
  ['ftp', 'ftp://host/x.git'],
  ['javascript', 'javascript://host/x.git'],
  ['a plain path', '/srv/x.git'],
  ['a relative path', '../x.git'],
  ['a path that climbs', 'https://host/a/../x.git'],
  ['an escaped climb', 'https://host/a/%2e%2e/x.git'],
  ['half an escaped climb', 'https://host/a/.%2E/x.git'],
  ['an escaped separator', 'https://host/a%2f..%2fx.git'],
  ['an escaped NUL', 'file:///a%00/x.git'],
  ['an escaped line feed', 'https://host/a%0ab/x.git'],
  ['a file that climbs', 'file:///a/../etc/x.git'],
  ['a file of a host', 'file://host/x.git'],
  ['a password', 'https://me:secret@host/x.git'],
  ['a user', 'https://secret@host/x.git'],
  ['a password over ssh', 'ssh://git:secret@host/x.git'],
  ['a query', 'https://host/x?y.git'],
  ['a fragment', 'https://host/x#y.git'],
  ['a blank', 'https://host/a b.git'],
  ['a line feed', 'https://host/a\nb.git'],
  ['a tab in the scheme', 'ht\ttps://host/x.git'],
  ['a backslash', 'https://host\\@evil/x.git'],
  ['a NUL', 'https://host/x\0.git'],
  ['a command of a shell', "ssh://host/x';touch$IFS/tmp/x;'.git"],
  ['a substitution', 'ssh://host/$(touch)/x.git'],
  ['another end', 'https://host/x'],
  ['no host', 'https:///x.git'],
  ['no path', 'https://host.git'],
  ['nothing', ''],
  ['too much', `https://host/${'a'.repeat(3000)}.git`],
];

const REFUSED_REFS: [string, string][] = [
  ['nothing', ''],
  ['an option', '--upload-pack=touch'],
  ['a short option', '-x'],
  ['a range', 'a..b'],
  ['a climb', '../../config'],
  ['a climb inside', 'a/../b'],
  ['a reflog', 'main@{1}'],
  ['an at sign', '@'],
  ['a parent', 'main~1'],
  ['another parent', 'main^'],
  ['a path of a commit', 'main:secret'],
  ['a line feed', 'main\nx'],
  ['a NUL', 'main\0report-status'],
  ['a blank', 'main x'],
  ['a wildcard', 'refs/heads/*'],
  ['a backslash', 'a\\b'],
  ['an empty part', 'a//b'],
  ['a leading slash', '/main'],
  ['a trailing slash', 'main/'],
  ['a hidden part', 'a/.b'],
  ['a lock', 'main.lock'],
  ['a lock inside', 'a.lock/b'],
  ['a trailing dot', 'main.'],
  ['too much', 'a'.repeat(256)],
  ['half a surrogate pair', 'a\ud800'],
];

describe('a git URL', () => {
  it.each(REFUSED_URLS)('is refused for %s', (_name, url) => {
    expect(readGitUrl(url)).toEqual({ problem: expect.any(String) });
  });

  it.each([
    ['https://github.com/org/repo.git', 'https://github.com', '/org/repo.git'],
    ['HTTPS://GitHub.com:443/org/repo.git', 'https://github.com', '/org/repo.git'],
    ['https://git.example.org:8443/a/b.git', 'https://git.example.org:8443', '/a/b.git'],
    ['http://127.0.0.1:8080/x.git', 'http://127.0.0.1:8080', '/x.git'],
    ['ssh://git@host/org/repo.git', 'ssh://git@host', '/org/repo.git'],
    ['ssh://host:22/repo.git', 'ssh://git@host', '/repo.git'],
    ['ssh://me@host:2222/repo.git', 'ssh://me@host:2222', '/repo.git'],
    ['file:///srv/a%20b/x.git', '', '/srv/a b/x.git'],
    ['file:///srv/work/.git', '', '/srv/work/.git'],
  ])('is read: %s', (url, origin, path) => {
    expect(readGitUrl(url)).toMatchObject({ origin, path });
  });
});

describe('a git ref', () => {
  it.each(REFUSED_REFS)('is refused for %s', (_name, ref) => {
    expect(gitRefProblem(ref)).toEqual(expect.any(String));
  });

  it.each(['main', 'v1.0', 'feature/x', 'refs/heads/main', 'a-b', 'ümlaut', 'a'.repeat(40)])(
    'is taken: %s',
    (ref) => {
      expect(gitRefProblem(ref)).toBeUndefined();
    },
  );
});

describe('a folder of a repository', () => {
  it.each([
    '',
    '/a',
    'a/',
    '../a',
    'a/../b',
    '.git',
    'a/.GIT',
    'git~1',
    '.git.',
    '.git ',
    '.gi\u200ct',
    '.git::$INDEX_ALLOCATION',
  ])('is refused: %j', (path) => {
    expect(gitPathProblem(path)).toEqual(expect.any(String));
  });

  it.each(['a', 'a/b', '.github', 'x.git', 'git'])('is taken: %j', (path) => {
    expect(gitPathProblem(path)).toBeUndefined();
  });
});

describe.each([
  ['codebase', codebaseSpecSchema],
  ['bucket', bucketSpecSchema],
])('a %s of type git', (what, schema) => {
  const spec = { type: 'git', gitUrl: 'https://host/x.git', gitTag: 'main' };

  it.each([undefined, null, '', 'HEAD'])('without a branch, %s, names the default one', (gitTag) => {
    const { gitTag: _, ...rest } = spec;
    const given = gitTag === undefined ? rest : { ...rest, gitTag };

    expect(parse(schema, given, what)).toEqual({ ...spec, gitTag: 'HEAD' });
  });

  it('keeps its fields, and the names of its secrets', () => {
    const whole = {
      ...spec,
      gitPath: 'adapter',
      credentials: { username: { key: 'MODELFN_SECRET_USER' }, password: { key: 'MODELFN_SECRET_TOKEN' } },
    };

    expect(parse(schema, whole, what)).toEqual(whole);
    expect(parse(schema, spec, what)).toEqual(spec);
  });

  it.each([
    ['gitUrl', { gitUrl: 'https://me:hunter2@host/x.git' }, 'credentials'],
    ['gitTag', { gitTag: '--upload-pack=hunter2' }, 'option'],
    ['gitPath', { gitPath: '../hunter2' }, '..'],
    ['credentials', { credentials: { password: 'hunter2' } }, 'credentials'],
    ['credentials', { credentials: { password: { key: 'hunter2' } } }, 'MODELFN_SECRET_'],
    ['credentials', { credentials: { password: { key: 'AWS_SECRET_ACCESS_KEY' } } }, 'MODELFN_SECRET_'],
    [
      'credentials',
      { credentials: { password: { key: 'MODELFN_SECRET_X', value: 'hunter2' } } },
      'credentials',
    ],
    ['credentials', { credentials: { token: { key: 'MODELFN_SECRET_X' } } }, 'token'],
  ])('is refused for its %s, with advice and without repeating it', (_field, wrong, advice) => {
    const parsing = () => parse(schema, { ...spec, ...wrong }, what);

    expect(parsing).toThrow(
      expect.objectContaining({ code: 'InvalidInput', message: expect.stringContaining(advice) }),
    );
    expect(parsing).not.toThrow(/hunter2/);
  });
});
