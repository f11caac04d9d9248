import { describe, expect, it } from 'vitest';
import { eventKindOf } from '../../../shared/invoke/callers/event-kind.ts';
import { eventBridgeEvent, httpRequest, sqsBatch } from '../../support/events.ts';

describe('telling who calls', () => {
  it.each([
    ['an API Gateway v2 request', httpRequest({ body: { inputs: {} } }), 'http'],
    ['an SQS batch', sqsBatch([]), 'event'],
    ['an EventBridge event', eventBridgeEvent({ resourceId: 'i1', projectId: 'p1' }), 'event'],
    ['a task payload', { inputs: { snapshot: 's1' } }, 'pipeline'],
    ['an execution of the platform', { functionName: 'predict', input: {}, projectId: 'p1' }, 'pipeline'],
  ])('knows %s', (_what, event, kind) => {
    expect(eventKindOf(event)).toBe(kind);
  });

  it.each([
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['an empty object', {}, 'no keys'],
    ['an S3 event', { Records: [{ eventSource: 'aws:s3' }] }, 'not of aws:sqs'],
    ['API Gateway of payload format 1.0', { httpMethod: 'GET', path: '/', resource: '/' }, '1.0'],
    ['inputs that are no object', { inputs: 'x' }, 'inputs'],
  ])('refuses %s instead of answering an empty success', (_what, event, said) => {
    expect(() => eventKindOf(event)).toThrow(
      expect.objectContaining({ code: 'UnknownEvent', message: expect.stringContaining(said) }),
    );
  });
});
