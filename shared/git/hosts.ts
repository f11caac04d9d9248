import { readGitUrl } from './address.ts';

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
