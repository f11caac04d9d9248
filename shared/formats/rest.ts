import { isJsonObject, type Json } from '../json.ts';
import type { Corner } from '../masks/polygon-mask.ts';
import type { FormatAnnotation } from './format.ts';
import type { LossReport } from './loss-report.ts';

/** Fields that a format holds beside type, label and coordinates. */
export interface Held {
  attributes?: boolean;
  /** Names as `metadata.user.isCrowd`. */
  metadata?: readonly string[];
}

/** Notes every field of an annotation that a format has no place for. */
export function noteRest(annotation: FormatAnnotation, losses: LossReport, held: Held = {}): void {
  const { type, attributes, metadata, labelSuggestions } = annotation;
  if (!held.attributes && !isEmpty(attributes)) losses.dropped(type, 'attributes', attributes);
  if (!isEmpty(labelSuggestions)) losses.dropped(type, 'labelSuggestions', labelSuggestions);
  for (const [room, value] of Object.entries(metadata)) {
    const fields = isJsonObject(value) ? Object.entries(value) : [['', value] as const];
    for (const [name, inner] of fields) {
      const field = name === '' && !isJsonObject(value) ? `metadata.${room}` : `metadata.${room}.${name}`;
      if (!held.metadata?.includes(field)) losses.dropped(type, field, inner);
    }
  }
}

/** Notes what corners have beside x and y; a z of 0 says nothing. */
export function noteCorners(type: string, corners: readonly Corner[], losses: LossReport): void {
  for (const corner of corners)
    for (const [name, value] of Object.entries(corner))
      if (name !== 'x' && name !== 'y' && !(name === 'z' && value === 0))
        losses.dropped(type, `coordinates.${name}`, value);
}

function isEmpty(value: Json | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}
