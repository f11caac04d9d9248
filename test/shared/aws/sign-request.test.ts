import { expect, it } from 'vitest';
import { queryText, signRequest } from '../../../shared/aws/sign-request.ts';

const KEY = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 'service',
};
const NOW = Date.parse('2015-08-30T12:36:00Z');

/** `get-vanilla` and `post-vanilla` of AWS's own test suite for Signature Version 4. */
it.each([
  ['GET', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['POST', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
])('%s / is signed as in the test suite of AWS', (method, signature) => {
  const request = { method, path: '/', headers: { host: 'example.amazonaws.com' }, body: '' };

  expect(signRequest(request, KEY, NOW)).toEqual({
    host: 'example.amazonaws.com',
    'x-amz-date': '20150830T123600Z',
    authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
  });
});

/** `get-vanilla-query-order-key-case` of the same suite. */
it('signs a query sorted by name', () => {
  const query = { Param2: 'value2', Param1: 'value1' };
  const request = { method: 'GET', path: '/', query, headers: { host: 'example.amazonaws.com' }, body: '' };

  expect(signRequest(request, KEY, NOW).authorization).toMatch(
    /Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500$/,
  );
  expect(queryText({ b: "it's (1)", a: 'x/y' })).toBe('a=x%2Fy&b=it%27s%20%281%29');
});

it('changes the signature with the body, the token and the key', () => {
  const sign = (body: string, headers: object, key = KEY) =>
    signRequest({ method: 'POST', path: '/', headers: { host: 'h', ...headers }, body }, key, NOW)
      .authorization;

  const all = [
    sign('', {}),
    sign('{}', {}),
    sign('', { 'x-amz-security-token': 't' }),
    sign('', {}, { ...KEY, secretAccessKey: 'other' }),
    sign('', {}, { ...KEY, service: 'lambda' }),
  ];

  expect(new Set(all).size).toBe(all.length);
});
