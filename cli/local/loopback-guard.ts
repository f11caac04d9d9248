import type { IncomingMessage } from 'node:http';
import { HostRefused, UntrustedHost, UntrustedOrigin } from './errors.ts';

/** Methods that change nothing. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** @throws HostRefused unless only this machine can reach the address. */
export function requireLoopback(host: string): void {
  const isLoopback =
    host === 'localhost' || host === '::1' || /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.test(host);
  if (!isLoopback) throw new HostRefused(host);
}

/** The URL of a loopback server. */
export function loopbackUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * Keeps other sites' pages out of a server without authentication.
 * - The Host header must name this server: a foreign name that was made to resolve to 127.0.0.1 (DNS rebinding) does not.
 * - A write must not come from a page of another origin.
 * @throws UntrustedHost, UntrustedOrigin
 */
export function requireTrusted(request: IncomingMessage, host: string, port: number): void {
  const url = loopbackUrl(host, port);
  const trusted = new Set(
    ['localhost', '127.0.0.1', '[::1]', new URL(url).hostname].flatMap((name) =>
      port === 80 ? [name, `${name}:80`] : [`${name}:${port}`],
    ),
  );
  const named = (request.headers.host ?? '').toLowerCase();
  if (!trusted.has(named)) throw new UntrustedHost(named, url);
  if (SAFE_METHODS.has(request.method ?? '')) return;
  const { origin } = request.headers;
  if (origin !== undefined && !trusted.has(origin.toLowerCase().replace(/^http:\/\//, '')))
    throw new UntrustedOrigin(origin, url);
  if (origin === undefined && request.headers['sec-fetch-site'] === 'cross-site')
    throw new UntrustedOrigin('another site', url);
}
