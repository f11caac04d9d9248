import type { EntityStore } from '../store/entity-store.ts';

/** Whether a trigger's service is there and runs: one that is stopped lets its triggers pass. */
export async function isServiceActive(
  store: Pick<EntityStore, 'get'>,
  { serviceId }: { serviceId?: string | null | undefined },
): Promise<boolean> {
  const service = serviceId == null ? undefined : await store.get('Service', serviceId);
  return service?.active === true;
}
