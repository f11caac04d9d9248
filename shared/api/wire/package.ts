import type { Package } from '../../entities/package.ts';
import type { JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

/** The keys that the SDK knows; those that may be null are left out then. */
export function packageToWire(
  { revisions: _internal, serviceConfig, slots, requirements, uiHooks, ...fields }: Package,
  baseUrl: string,
): JsonObject {
  const optional = Object.entries({ serviceConfig, slots, requirements, uiHooks });
  return {
    ...fields,
    ...Object.fromEntries(optional.filter(([, value]) => value !== null)),
    url: linkTo(baseUrl, 'packages', fields.id),
  } as JsonObject;
}
