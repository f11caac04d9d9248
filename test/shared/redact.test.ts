import { describe, expect, it } from 'vitest';
import { readConfig } from '../../shared/config.ts';
import { InvalidInput } from '../../shared/errors.ts';
import { maskError, maskedErrorBody, maskJson, redactorOf } from '../../shared/redact.ts';

const KEY =
  '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nuPaperTrailOfASecretKey1234567890\n-----END-----';
const redact = redactorOf(
  readConfig({
    MODELFN_SECRET_TOKEN: 'hunter2"/planted',
    MODELFN_SECRET_KEY: KEY,
    MODELFN_STORE: 'postgres://user:correct%2Fhorse-battery@db.example/modelfn',
  }),
);

describe('masking', () => {
  it.each([
    ['a secret', 'got hunter2"/planted', 'got [MODELFN_SECRET_TOKEN]'],
    ['a percent-encoded secret', 'q=hunter2%22%2Fplanted', 'q=[MODELFN_SECRET_TOKEN]'],
    ['a secret escaped in JSON', '{"x":"hunter2\\"/planted"}', '{"x":"[MODELFN_SECRET_TOKEN]"}'],
    [
      'a line of a secret key',
      'bad line uPaperTrailOfASecretKey1234567890!',
      'bad line [MODELFN_SECRET_KEY]!',
    ],
    ['the password of the store', 'password correct/horse-battery', 'password [MODELFN_STORE password]'],
    ['credentials in an address', 'https://me:pa@ss@host/x', 'https://***@host/x'],
    ['a user alone in an address', 'git+https://token@host/x', 'git+https://***@host/x'],
    ['a token in a query', 'https://h/x?a=1&access_token=abcdef', 'https://h/x?a=1&access_token=***'],
    ['a signature in a query', '/x?X-Goog-Signature=00ff00ff&b=2', '/x?X-Goog-Signature=***&b=2'],
    ['an authorization header', 'authorization: Bearer abcdefgh.ijk', 'authorization: Bearer ***'],
  ])('hides %s', (_kind, text, masked) => {
    expect(redact(text)).toBe(masked);
  });

  it.each([
    'https://host/a@b',
    'mail me@example.org',
    'https://host/x?page=10&keyword=abcdef',
    'Basic facts',
  ])('leaves other text as it is: %s', (text) => {
    expect(redact(text)).toBe(text);
  });

  it('reaches message, stack, details, causes and collected errors of an error that stays the same', () => {
    const inner = Object.assign(new Error('inner hunter2"/planted'), {
      headers: { authorization: 'Bearer abcdefgh1' },
    });
    const error = new InvalidInput(
      'call',
      [{ field: 'x', problem: 'https://a:b@host' }],
      new AggregateError([inner], 'all'),
    );

    const masked = maskError(error, redact);

    expect(masked).toBe(error);
    expect(error.message).toContain('https://***@host');
    expect(error.stack).not.toContain('a:b@');
    expect(error.details).toEqual({ problems: [{ field: 'x', problem: 'https://***@host' }] });
    expect(inner).toMatchObject({
      message: 'inner [MODELFN_SECRET_TOKEN]',
      headers: { authorization: 'Bearer ***' },
    });
    expect(inner.stack).not.toContain('hunter2');
  });

  it('replaces an error that cannot be changed', () => {
    const frozen = Object.freeze(new Error('hunter2"/planted'));

    expect(maskError(frozen, redact)).toMatchObject({
      code: 'InternalError',
      message: expect.stringContaining('[MODELFN_SECRET_TOKEN]'),
    });
  });

  it('ends for errors that are their own cause', () => {
    const error: Error = new Error('hunter2"/planted');
    error.cause = error;

    expect((maskError(error, redact) as Error).message).toBe('[MODELFN_SECRET_TOKEN]');
  });

  it('hides secrets in the keys and values of JSON, and leaves frozen values alone', () => {
    const value = Object.freeze({ 'hunter2"/planted': [{ a: 'x hunter2"/planted' }, 1, null, true] });

    expect(maskJson(value, redact)).toEqual({
      '[MODELFN_SECRET_TOKEN]': [{ a: 'x [MODELFN_SECRET_TOKEN]' }, 1, null, true],
    });
    expect(maskedErrorBody(new Error('hunter2"/planted'), redact).message).not.toContain('hunter2');
  });
});
