import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { JsonObject } from '../json.ts';
import { type CallAws, isOk, jsonCall, refusalOf } from './aws-caller.ts';
import { RelayRefused } from './errors.ts';

/** A message holds 1 MiB, attributes counted; what an event would lose then is its body alone. */
const MAX_MESSAGE_BYTES = 1_000_000;

/**
 * Lays an event that the bus will never take among the dead letters, in the form the bus would have given it, with the reason as
 * EventBridge writes it. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 * @throws RelayRefused
 */
export async function giveUpEvent(
  call: CallAws,
  queueUrl: string,
  event: DatasetEvent,
  problem: { code: string; reason: string },
): Promise<void> {
  const whole = messageOf(event);
  const message = Buffer.byteLength(whole) <= MAX_MESSAGE_BYTES ? whole : messageOf({ ...event, body: null });
  const text = (value: string) => ({ DataType: 'String', StringValue: value.slice(0, 500) });
  const answer = await call(
    'a dead letter',
    jsonCall('sqs', 'AmazonSQS.SendMessage', {
      QueueUrl: queueUrl,
      MessageBody: message,
      MessageAttributes: { ERROR_CODE: text(problem.code), ERROR_MESSAGE: text(problem.reason) },
    }),
  );
  if (!isOk(answer)) throw new RelayRefused('a dead letter', refusalOf(answer));
}

function messageOf(event: DatasetEvent): string {
  return JSON.stringify({
    source: 'modelfn',
    'detail-type': `${event.resource} ${event.action}`,
    detail: event as JsonObject,
  });
}
