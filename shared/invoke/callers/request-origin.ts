import type { Request } from 'express';

/**
 * Scheme and host of a request as its caller wrote them. A host that is no host is not repeated into links. The socket tells
 * nothing: behind serverless-http and behind a proxy it is another one.
 */
export function originOf(request: Request): string {
  const host = request.get('host') ?? '';
  const scheme = request.get('x-forwarded-proto') === 'https' ? 'https' : 'http';
  return `${scheme}://${/^[\w.:[\]-]{1,255}$/.test(host) ? host : 'localhost'}`;
}
