import type { GitAddress } from './address.ts';
import { GitHostNotAllowed } from './errors.ts';

/**
 * Lets an address through when it may be asked. Without a list: any host by https and without credentials. With one:
 * its origins alone.
 * @throws GitHostNotAllowed
 */
export function checkGitHost(
  address: GitAddress,
  hosts: readonly string[],
  { hasCredentials }: { hasCredentials: boolean },
): void {
  if (hosts.includes(address.origin)) return;
  if (hosts.length === 0 && address.transport === 'https' && !hasCredentials) return;
  throw new GitHostNotAllowed(address.origin, hosts, hasCredentials);
}
