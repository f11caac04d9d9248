import type { JsonObject } from '../../shared/json.ts';

/**
 * An HTTP API request, payload format 2.0.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function httpRequest(options: {
  method?: string;
  path?: string;
  query?: string;
  body?: unknown;
  rawBody?: string;
  /** Bytes as API Gateway sends them: in base64. */
  bytes?: Uint8Array;
  headers?: Record<string, string>;
}): JsonObject {
  const { method = 'POST', path = '/api/v1/functions/predict', query = '' } = options;
  const text = options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const body = options.bytes ? Buffer.from(options.bytes).toString('base64') : text;
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    headers: { 'content-type': 'application/json', host: '127.0.0.1:3700', ...options.headers },
    ...(query !== '' && { queryStringParameters: Object.fromEntries(new URLSearchParams(query)) }),
    requestContext: {
      accountId: '123456789012',
      apiId: 'api-id',
      domainName: 'id.execute-api.eu-west-1.amazonaws.com',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      requestId: 'request-1',
      stage: '$default',
      time: '31/Jan/2026:12:00:00 +0000',
      timeEpoch: 1769860800000,
    },
    ...(body !== undefined && { body }),
    isBase64Encoded: options.bytes !== undefined,
  };
}

export interface TestEvent {
  resourceId: string;
  projectId: string;
  datasetId?: string | null;
  id?: string;
  action?: string;
  resource?: string;
}

/** An event of EventBridge. https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html */
export function eventBridgeEvent(event: TestEvent): JsonObject {
  const { resource = 'Item', action = 'Created', id = `${event.resourceId}-1`, datasetId = null } = event;
  return {
    version: '0',
    id,
    'detail-type': `${resource} ${action}`,
    source: 'modelfn',
    account: '123456789012',
    time: '2026-01-31T12:00:00Z',
    region: 'eu-west-1',
    resources: [],
    detail: { id, resource, action, resourceId: event.resourceId, datasetId, projectId: event.projectId },
  };
}

/** A batch of SQS. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
export function sqsBatch(bodies: readonly unknown[]): JsonObject {
  return {
    Records: bodies.map((body, index) => ({
      messageId: `message-${index}`,
      receiptHandle: 'handle',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      attributes: { ApproximateReceiveCount: '1' },
      messageAttributes: {},
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:queue',
      awsRegion: 'eu-west-1',
    })),
  };
}
