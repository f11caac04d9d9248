import { type GitAddress, readGitUrl } from './address.ts';
import { GitHostNotAllowed } from './errors.ts';

/**
 * The origins of the setting MODELFN_GIT_HOSTS, e.g. `github.com,http://127.0.0.1:8080,ssh://git@host`; a bare host
 * means https. `undefined` for text that is no such list.
 */
export function readGitHosts(text: string): string[] | undefined {
  const origins: string[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue;
    const url = entry.includes('://') ? entry : `https://${entry}`;
    const address = readGitUrl(`${url.replace(/\/$/, '')}/x.git`);
    if ('problem' in address || address.path !== '/x.git' || address.transport === 'file') return undefined;
    origins.push(address.origin);
  }
  return origins;
}

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
