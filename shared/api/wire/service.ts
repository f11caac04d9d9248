import type { Service } from '../../entities/service.ts';
import type { JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

/** The keys that the SDK knows. The revisions are left out: the client asks for them. */
export function serviceToWire({ revisions: _internal, ...fields }: Service, baseUrl: string): JsonObject {
  return { ...fields, url: linkTo(baseUrl, 'services', fields.id) } as JsonObject;
}
