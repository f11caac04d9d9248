import { isJsonObject, type JsonObject } from '../../json.ts';

/** True for a CloudEvent in the JSON format. */
export function isCloudEvent(value: JsonObject): boolean {
  return typeof value.specversion === 'string' && typeof value.type === 'string' && 'source' in value;
}

/** Whether a request of API Gateway v2 carries CloudEvents, by its headers alone. */
export function carriesCloudEvents({ headers }: JsonObject): boolean {
  if (!isJsonObject(headers)) return false;
  return (
    headers['ce-specversion'] !== undefined ||
    String(headers['content-type']).startsWith('application/cloudevents')
  );
}
