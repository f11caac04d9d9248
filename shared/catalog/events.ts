import type { Actor } from '../auth/actor.ts';
import type { Annotation } from '../entities/annotation.ts';
import type { Dataset } from '../entities/dataset.ts';
import type { DatasetEvent } from '../entities/dataset-event.ts';
import { type Item, systemMetadata } from '../entities/item.ts';
import type { TriggerAction } from '../entities/trigger.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';

/** Who changed something, and where: what all events of one write have in common. */
export interface EventOrigin {
  platform: Pick<Platform, 'ids'>;
  actor: Actor;
  dataset: Dataset;
}

/** A dataset of the system (Binaries) holds codebases and weights; changes in it are nobody's event. */
export function isSystemDataset(dataset: Pick<Dataset, 'metadata'>): boolean {
  return systemMetadata(dataset).scope === 'system';
}

/** One event a file; folders and hidden files have none. A deleted item's event carries what it was. */
export function itemEvents(
  origin: EventOrigin,
  action: TriggerAction,
  items: readonly Item[],
): DatasetEvent[] {
  if (isSystemDataset(origin.dataset)) return [];
  return items
    .filter((item) => item.type === 'file' && !item.hidden)
    .map((item) => event(origin, 'Item', action, item.id, action === 'Deleted' ? itemBody(item) : undefined));
}

/** One event an annotation. A deleted annotation's event carries what it was, without its coordinates. */
export function annotationEvents(
  origin: EventOrigin,
  action: TriggerAction,
  annotations: readonly Annotation[],
): DatasetEvent[] {
  if (isSystemDataset(origin.dataset)) return [];
  return annotations.map((annotation) =>
    event(
      origin,
      'Annotation',
      action,
      annotation.id,
      action === 'Deleted' ? annotationBody(annotation) : undefined,
    ),
  );
}

export function datasetEvents(origin: EventOrigin, action: TriggerAction): DatasetEvent[] {
  const { dataset } = origin;
  return isSystemDataset(dataset)
    ? []
    : [
        event(
          origin,
          'Dataset',
          action,
          dataset.id,
          action === 'Deleted' ? { name: dataset.name } : undefined,
        ),
      ];
}

function event(
  { platform, actor, dataset }: EventOrigin,
  resource: DatasetEvent['resource'],
  action: TriggerAction,
  resourceId: string,
  body: JsonObject | undefined,
): DatasetEvent {
  return {
    id: platform.ids.objectId(),
    resource,
    action,
    resourceId,
    datasetId: dataset.id,
    projectId: dataset.projects[0]!,
    userId: actor.email,
    body: body ?? null,
  };
}

function itemBody({ content: _internal, ...item }: Item): JsonObject {
  return item as JsonObject;
}

function annotationBody({ id, datasetId, itemId, type, label, metadata, creator }: Annotation): JsonObject {
  return { id, datasetId, itemId, type, label, metadata, creator };
}
