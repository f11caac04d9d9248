import { isJsonObject } from '../../json.ts';
import { UnknownEvent } from '../errors.ts';
import { isCloudEvent } from './is-cloud-event.ts';

/** Who calls, by the payload alone. */
export type EventKind = 'http' | 'event' | 'schedule' | 'pipeline';

/**
 * Tells the callers apart before any of their libraries is imported.
 * - http: API Gateway payload format 2.0 (`version` "2.0" and `requestContext.http`);
 * - event: an SQS batch (`Records[].eventSource` "aws:sqs"), an EventBridge event (`detail-type` and `detail`) or a
 *   CloudEvent (`specversion`, `type` and `source`);
 * - schedule: what a schedule of a cron trigger sends (`trigger` and `time`);
 * - pipeline: a task payload with `inputs`, or an execution as the platform sends it with `input`.
 * @throws UnknownEvent for anything else: an unknown payload is never taken for an empty success
 */
export function eventKindOf(event: unknown): EventKind {
  if (!isJsonObject(event)) throw new UnknownEvent(event === null ? 'null' : typeof event);
  if (isJsonObject(event.requestContext) && isJsonObject(event.requestContext.http)) return 'http';
  if (Array.isArray(event.Records)) {
    if (event.Records.every((record) => isJsonObject(record) && record.eventSource === 'aws:sqs'))
      return 'event';
    throw new UnknownEvent('a batch of records that are not of aws:sqs');
  }
  if (typeof event['detail-type'] === 'string' && 'detail' in event) return 'event';
  if (isCloudEvent(event)) return 'event';
  if (typeof event.trigger === 'string' && typeof event.time === 'string') return 'schedule';
  if (isJsonObject(event.inputs) || isJsonObject(event.input)) return 'pipeline';
  if ('httpMethod' in event)
    throw new UnknownEvent('an API Gateway request of payload format 1.0; set payloadFormatVersion to "2.0"');
  throw new UnknownEvent(`an object with ${Object.keys(event).slice(0, 8).join(', ') || 'no keys'}`);
}
