import { once } from 'node:events';
import { type AddressInfo, createServer, type LookupFunction } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readGitUrl } from '../../../shared/git/address.ts';
import { checkGitHost } from '../../../shared/git/check-host.ts';
import { GitSource } from '../../../shared/git/git-source.ts';
import { createPublicLookup, isPublicAddress } from '../../../shared/git/public-address.ts';
import { gitContext } from '../../support/git-context.ts';

/** Resolves every name to the given addresses, in the form that sockets ask for. */
function resolverOf(...addresses: string[]): LookupFunction {
  return (_name, options, callback) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (options.all) callback(null, found);
    else callback(null, found[0]!.address, found[0]!.family);
  };
}

describe('addresses of the public internet', () => {
  it.each(['93.184.216.34', '8.8.8.8', '100.128.0.1', '172.32.0.1', '2606:4700::1111', '[2a00:1450::1]'])(
    '%s is one',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '[::1]',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2002:7f00:1::1',
    '2001:0:1::1',
    'fc00::1',
    'fe80::1',
    'ff02::1',
    'localhost',
    '',
  ])('%s is not one', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('a git server over https without MODELFN_GIT_HOSTS', () => {
  it.each([
    'https://127.0.0.1/x.git',
    'https://0x7f.1/x.git',
    'https://2130706433/x.git',
    'https://169.254.169.254/x.git',
    'https://10.0.0.7:8443/x.git',
  ])('is refused at an address that is not public, however it is written: %s', (url) => {
    const address = readGitUrl(url);
    if ('problem' in address) throw new Error(address.problem);

    expect(() => checkGitHost(address, [], { hasCredentials: false })).toThrow(
      expect.objectContaining({ code: 'GitHostNotAllowed', statusCode: 403 }),
    );
  });

  it.each([['127.0.0.1'], ['93.184.216.34', '127.0.0.1'], ['::1'], []])(
    'is refused at a name that resolves to %s, without a connection and with the same words for open and closed ports',
    async (...addresses) => {
      let connections = 0;
      const server = createServer((socket) => {
        connections += 1;
        socket.destroy();
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      onTestFinished(() => void server.close());
      const { port } = server.address() as AddressInfo;
      const context = gitContext({ lookup: resolverOf(...addresses) });
      const failureAt = async (at: number) => {
        const spec = { gitUrl: `https://git.example:${at}/x.git`, gitTag: 'main' };
        const source = await GitSource.open(spec, context);
        const error: unknown = await source.fetch(undefined).catch((thrown: unknown) => thrown);
        return error as Error & { code: string };
      };

      const open = await failureAt(port);
      const closed = await failureAt(1);

      expect(open.code).toBe('GitHostNotAllowed');
      expect(open.message.replace(`:${port}`, '')).toBe(
        closed.message.replace(':1/', '/').replace(':1:', ':'),
      );
      expect(connections).toBe(0);
    },
  );

  it('is connected to the very addresses that were checked', async () => {
    const lookup = createPublicLookup(resolverOf('93.184.216.34', '2606:4700::1111'));
    const lookedUp = (all: boolean) =>
      new Promise((resolve) => {
        lookup('git.example', { all }, (...found) => resolve(found));
      });

    expect(await lookedUp(false)).toEqual([null, '93.184.216.34', 4]);
    expect(await lookedUp(true)).toEqual([
      null,
      [
        { address: '93.184.216.34', family: 4 },
        { address: '2606:4700::1111', family: 6 },
      ],
    ]);
  });
});
