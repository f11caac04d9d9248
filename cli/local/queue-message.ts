import { createHash } from 'node:crypto';
import type { JsonObject } from '../../shared/json.ts';
import type { OutboxEntry } from '../../shared/store/entity-store.ts';

const ACCOUNT = '000000000000';
const REGION = 'local';

/** Most records of one batch, as an event source mapping of Lambda has it unless told otherwise. */
export const MAX_BATCH_RECORDS = 10;

/**
 * The event as EventBridge delivers it. Its id is the change's own, the same in every delivery.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
 */
export function toEventBridgeEvent({ event, createdAt }: OutboxEntry): JsonObject {
  return {
    version: '0',
    id: uuidOf(event.id),
    'detail-type': `${event.resource} ${event.action}`,
    source: 'modelfn',
    account: ACCOUNT,
    time: createdAt.replace(/\.\d+Z$/, 'Z'),
    region: REGION,
    resources: [],
    detail: event as JsonObject,
  };
}

/**
 * The record that a function gets for one change from its queue.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
 */
export function toQueueRecord(
  entry: OutboxEntry,
  functionName: string,
  attempt: number,
  now: number,
): JsonObject {
  const body = JSON.stringify(toEventBridgeEvent(entry));
  const messageId = messageIdOf(entry, functionName);
  return {
    messageId,
    receiptHandle: `${messageId}#${attempt}`,
    body,
    attributes: {
      ApproximateReceiveCount: String(attempt),
      SentTimestamp: String(Date.parse(entry.createdAt)),
      SenderId: ACCOUNT,
      ApproximateFirstReceiveTimestamp: String(now),
    },
    messageAttributes: {},
    md5OfBody: createHash('md5').update(body).digest('hex'),
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:${REGION}:${ACCOUNT}:${functionName}`,
    awsRegion: REGION,
  };
}

/** The same for every delivery of one change to one function. */
export function messageIdOf({ event }: OutboxEntry, functionName: string): string {
  return uuidOf(`${event.id} ${functionName}`);
}

/**
 * Message ids that a batch's answer names as failed. `undefined` is "all": an answer that cannot be understood must not
 * delete messages. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function failedMessages(answer: unknown, sent: ReadonlySet<string>): ReadonlySet<string> | undefined {
  if (answer === null || answer === undefined) return new Set();
  if (typeof answer !== 'object' || Array.isArray(answer)) return undefined;
  const { batchItemFailures: failures = [] } = answer as { batchItemFailures?: unknown };
  if (failures === null) return new Set();
  if (!Array.isArray(failures)) return undefined;
  const failed = new Set<string>();
  for (const failure of failures as ({ itemIdentifier?: unknown } | null)[]) {
    const id = failure?.itemIdentifier;
    if (typeof id !== 'string' || !sent.has(id)) return undefined;
    failed.add(id);
  }
  return failed;
}

/** A UUID that depends on the text alone. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
