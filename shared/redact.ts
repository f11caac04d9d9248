import type { Secrets } from './secrets.ts';

/** A shorter secret is masked by nobody: it would mask half of every text. */
const SHORTEST_SECRET = 4;

/**
 * Masks what must not be kept: values of the environment's secrets, by the name of their variable, and credentials in
 * addresses and `Authorization` headers.
 */
export function redactor(secrets: Secrets): (text: string) => string {
  const known = secrets.names
    .map((name) => [name, secrets.get(name)!] as const)
    .filter(([, value]) => value.length >= SHORTEST_SECRET)
    // The longest first: one secret may hold another.
    .sort(([, a], [, b]) => b.length - a.length);
  return (text) => {
    let masked = text;
    for (const [name, value] of known) masked = masked.replaceAll(value, `[${name}]`);
    return masked
      .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]{1,500}@/gi, '$1***@')
      .replace(/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, '$1 ***');
  };
}
