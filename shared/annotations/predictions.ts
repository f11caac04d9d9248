import { createHash } from 'node:crypto';
import type { Prediction } from '../../adapters/model-adapter.ts';
import { isoTime } from '../clock.ts';
import type { Annotation } from '../entities/annotation.ts';
import type { Item } from '../entities/item.ts';
import type { Model } from '../entities/model.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { derivedId } from '../ids.ts';
import { canonicalJson, isJsonObject, type JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import type { KeptPrediction, KeptPredictions } from './keep-tensors.ts';

/** What a snapshot says about one item. */
export interface ItemPredictions {
  item: Readonly<Item>;
  predictions: readonly Prediction[];
}

/**
 * The annotation's id of prediction `index` of an item. It depends on snapshot, revision, the item and its content, and the
 * place in the list alone: the same prediction made again is the same annotation.
 */
export function predictionId(
  { id, revision }: Pick<Snapshot, 'id' | 'revision'>,
  item: Pick<Item, 'id' | 'content'>,
  index: number,
): string {
  return derivedId('prediction', id, revision, item.id, item.content?.sha256 ?? '', index);
}

/** Predictions as annotations (docs/WIRE.md, Annotations). */
export function toAnnotations(
  { clock }: Pick<Platform, 'clock'>,
  by: { snapshot: Readonly<Snapshot>; model: Readonly<Model>; codeDigest: string; creator: string },
  { item, predictions }: KeptPredictions,
): Annotation[] {
  const now = isoTime(clock);
  const { snapshot, creator } = by;
  return predictions.map((prediction, index) => ({
    id: predictionId(snapshot, item, index),
    datasetId: item.datasetId,
    itemId: item.id,
    type: prediction.type,
    label: prediction.label,
    attributes: prediction.attributes ?? [],
    ...(prediction.coordinates !== undefined && { coordinates: prediction.coordinates }),
    metadata: {
      system: { automated: true },
      user: {
        model: {
          name: `${by.model.name}-${snapshot.name}`,
          confidence: prediction.confidence,
          model_id: by.model.id,
          snapshot_id: snapshot.id,
          revision: snapshot.revision,
          code_digest: by.codeDigest,
        },
        annotation_type: 'prediction',
      },
    },
    creator,
    createdAt: now,
    updatedAt: now,
    updatedBy: creator,
    source: 'modelfn',
    hash: null,
    ...(prediction.content && { content: prediction.content }),
  }));
}

/** Who made a prediction; `undefined` for what people said. */
export function predictedBy(
  annotation: Pick<Annotation, 'metadata'>,
): { snapshotId: string | undefined; revision: number | undefined; confidence: number } | undefined {
  const user = annotation.metadata.user;
  if (!isJsonObject(user) || user.annotation_type !== 'prediction') return undefined;
  const model = isJsonObject(user.model) ? user.model : {};
  return {
    snapshotId: typeof model.snapshot_id === 'string' ? model.snapshot_id : undefined,
    revision: typeof model.revision === 'number' ? model.revision : undefined,
    confidence: typeof model.confidence === 'number' ? model.confidence : 0,
  };
}

/** An annotation by a snapshot, as the prediction it was. */
export function toPrediction(annotation: Readonly<Annotation>): KeptPrediction {
  return {
    type: annotation.type,
    label: annotation.label,
    confidence: predictedBy(annotation)?.confidence ?? 0,
    ...(annotation.coordinates !== undefined && { coordinates: annotation.coordinates }),
  };
}

/** The label of an item's one `class` annotation; `undefined` when there is none, or when there are two that differ. */
export function classLabelOf(annotations: readonly Readonly<Annotation>[]): string | undefined {
  const labels = new Set(annotations.filter(({ type }) => type === 'class').map(({ label }) => label));
  return labels.size === 1 ? [...labels][0] : undefined;
}

/** sha256 over what predictions say, in order of item and place; times and writers do not count. */
export function digestOf(annotations: readonly Annotation[]): string {
  const said = annotations.map(
    ({ id, itemId, type, label, attributes, coordinates, metadata, content }): JsonObject => ({
      id,
      itemId,
      type,
      label,
      attributes,
      coordinates: coordinates ?? null,
      metadata,
      ...(content && { content: content.sha256 }),
    }),
  );
  const lines = said.map((each) => canonicalJson(each)).sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}
