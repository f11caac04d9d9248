import type { Trigger } from '../../../shared/entities/trigger.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { linkTo } from './links.ts';

/** The keys of contract section 9.5. */
export function triggerToWire(trigger: Trigger, baseUrl: string): JsonObject {
  return { ...trigger, url: linkTo(baseUrl, 'triggers', trigger.id) } as JsonObject;
}
