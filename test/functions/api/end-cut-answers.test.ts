import serverless from 'serverless-http';
import { describe, expect, it } from 'vitest';
import { endCutAnswers } from '../../../functions/api/end-cut-answers.ts';

const EVENT = {
  version: '2.0',
  rawPath: '/',
  rawQueryString: '',
  headers: {},
  requestContext: { http: { method: 'GET', path: '/' } },
};

describe('endCutAnswers', () => {
  it('an answer that is cut halfway ends the invocation, and not as a success', async () => {
    const handler = serverless(
      endCutAnswers((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' });
        response.write('the first half');
        setImmediate(() => response.destroy());
      }),
    );

    expect(await handler(EVENT, {})).toMatchObject({ statusCode: 500 });
  });

  it('a whole answer passes as it is, also when it is destroyed after its end', async () => {
    const handler = serverless(
      endCutAnswers((_request, response) => {
        response.end('whole');
        response.destroy();
      }),
    );

    expect(await handler(EVENT, {})).toMatchObject({ statusCode: 200, body: 'whole' });
  });
});
