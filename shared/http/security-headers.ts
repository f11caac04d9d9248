/**
 * Headers of every answer. Answers are data: no page of another site may embed, frame or run them, and no browser may guess
 * another type. Names in lower case.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

/** The security headers that an answer does not have yet. `present`: names in any case. */
export function missingSecurityHeaders(present: Iterable<string>): [name: string, value: string][] {
  const names = new Set([...present].map((name) => name.toLowerCase()));
  return Object.entries(SECURITY_HEADERS).filter(([name]) => !names.has(name));
}
