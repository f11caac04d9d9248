import { isIP } from 'node:net';
import type { GitAddress } from './address.ts';
import { GitHostNotAllowed, NOT_PUBLIC } from './errors.ts';
import { isPublicAddress } from './public-address.ts';

/**
 * Checks that git may connect to an address. With a list of hosts: its origins alone, wherever they are. Without a list:
 * any host of the public internet by https, without credentials. Returns true when the addresses that the host's name
 * resolves to must be public too.
 * @throws GitHostNotAllowed
 */
export function checkGitHost(
  address: GitAddress,
  hosts: readonly string[],
  { hasCredentials }: { hasCredentials: boolean },
): { mustBePublic: boolean } {
  if (hosts.includes(address.origin)) return { mustBePublic: false };
  if (hosts.length > 0 || hasCredentials || address.transport !== 'https')
    throw new GitHostNotAllowed(
      address.origin,
      hasCredentials ? 'credentials are sent to listed origins only' : 'it is not listed',
      hosts,
    );
  const host = address.host.replace(/^\[|\]$/g, '');
  // A socket resolves names only: an address that is written out never reaches a resolver.
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new GitHostNotAllowed(address.origin, NOT_PUBLIC);
  return { mustBePublic: true };
}
