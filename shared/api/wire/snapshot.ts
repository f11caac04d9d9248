import type { Snapshot } from '../../entities/snapshot.ts';
import type { JsonObject } from '../../json.ts';
import { contextOf, type Reader } from './sdk-entity.ts';

/** The keys of the wire (docs/WIRE.md, Keys of the answers), and `parentId`, `revision`, `weights` and `lineage` beside them. */
export function snapshotToWire(snapshot: Snapshot, { readsContext }: Reader): JsonObject {
  const { run: _run, visible: _visible, ...fields } = snapshot;
  return { ...fields, ...(readsContext && contextOf(snapshot)) } as JsonObject;
}
