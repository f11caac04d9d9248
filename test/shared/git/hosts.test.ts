import { describe, expect, it } from 'vitest';
import { type GitAddress, readGitUrl } from '../../../shared/git/address.ts';
import { checkGitHost } from '../../../shared/git/check-host.ts';
import { readGitHosts } from '../../../shared/git/hosts.ts';

function address(url: string): GitAddress {
  const found = readGitUrl(url);
  if ('problem' in found) throw new Error(found.problem);
  return found;
}

describe('the setting MODELFN_GIT_HOSTS', () => {
  it('takes hosts and origins, in one form each', () => {
    expect(
      readGitHosts(' GitHub.com, https://git.example.org:8443/,http://127.0.0.1:8080,ssh://git@host,'),
    ).toEqual([
      'https://github.com',
      'https://git.example.org:8443',
      'http://127.0.0.1:8080',
      'ssh://git@host',
    ]);
  });

  it.each(['https://host/path', 'https://me:pw@host', 'file:///srv', '-oProxyCommand=x', 'a b', 'ext::x'])(
    'does not take %s',
    (text) => {
      expect(readGitHosts(text)).toBeUndefined();
    },
  );
});

describe('a host', () => {
  it.each([
    ['https://any.example.org/x.git', '', false],
    ['https://github.com/x.git', 'github.com', true],
    ['http://127.0.0.1:8080/x.git', 'http://127.0.0.1:8080', true],
    ['ssh://git@host/x.git', 'ssh://git@host', false],
  ])('is asked: %s with the list "%s", credentials: %s', (url, list, hasCredentials) => {
    expect(() => checkGitHost(address(url), readGitHosts(list)!, { hasCredentials })).not.toThrow();
  });

  it.each([
    ['https://any.example.org/x.git', '', true],
    ['http://any.example.org/x.git', '', false],
    ['ssh://git@host/x.git', '', false],
    ['https://other.org/x.git', 'github.com', false],
    ['https://github.com:8443/x.git', 'github.com', false],
    ['http://github.com/x.git', 'github.com', false],
    ['https://github.com.evil.org/x.git', 'github.com', false],
    ['ssh://root@host/x.git', 'ssh://git@host', false],
  ])('is not asked: %s with the list "%s", credentials: %s', (url, list, hasCredentials) => {
    expect(() => checkGitHost(address(url), readGitHosts(list)!, { hasCredentials })).toThrow(
      expect.objectContaining({
        code: 'GitHostNotAllowed',
        message: expect.stringContaining('MODELFN_GIT_HOSTS'),
      }),
    );
  });
});
