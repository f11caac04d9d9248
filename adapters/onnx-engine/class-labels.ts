import * as z from 'zod/mini';
import type { InputProblem } from '../../shared/errors.ts';
import { isJsonObject, type JsonObject } from '../../shared/json.ts';
import { nearest } from '../../shared/nearest.ts';
import { findUnknownLabels } from '../read-settings.ts';
import { OnnxSignatureDiffers } from './errors.ts';

/** Labels by class index, as the exporting program numbered them: `{"0": "cat", "1": "dog"}`. */
export const labelMapSchema = z.record(
  z.string().check(z.regex(/^(0|[1-9]\d{0,5})$/, 'class numbers are whole numbers from 0')),
  z.string(),
);

/** Problems of `id_to_label_map`: labels that the snapshot does not have. */
export function findUnmappedLabels(
  { id_to_label_map }: Readonly<JsonObject>,
  labels: readonly string[] | undefined,
): InputProblem[] {
  const entries = isJsonObject(id_to_label_map) ? Object.entries(id_to_label_map) : [];
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return findUnknownLabels('id_to_label_map', texts, labels);
}

type LabelMap = Readonly<Record<string, string>>;

export interface ClassSource {
  /** `id_to_label_map` of the configuration. */
  map: LabelMap | null;
  /** The snapshot's labels, in their order. */
  labels: readonly string[];
  /** Undefined where the model leaves it open. */
  classes: number | undefined;
  /** Class names in the model's file, by class; undefined where it contains none. */
  names: readonly string[] | undefined;
  file: string;
}

/**
 * Label by class index. With a map, the classes that it does not name have no label: they are not predicted. Without one, class
 * names of the file are matched with the snapshot's labels by name; a file without names has as many classes as the snapshot has
 * labels, in their order.
 * @throws OnnxSignatureDiffers
 */
export function labelsByClass(source: ClassSource): readonly (string | undefined)[] {
  const { map, labels, classes, names, file } = source;
  if (map !== null) return mappedLabels(map, source);
  if (names) return namedLabels(names, source);
  if (classes !== undefined && classes !== labels.length)
    throw new OnnxSignatureDiffers(
      file,
      `it has ${classes} classes, and the snapshot has ${labels.length} labels (${shown(labels)})`,
      'Give the snapshot as many labels in the order of the classes, or name them in id_to_label_map.',
    );
  return labels;
}

function mappedLabels(map: LabelMap, { labels, classes, names, file }: ClassSource): (string | undefined)[] {
  const byClass: (string | undefined)[] = [];
  for (const [id, label] of Object.entries(map)) {
    if (!labels.includes(label))
      throw new OnnxSignatureDiffers(
        file,
        `id_to_label_map contains ${JSON.stringify(label)}, which is not among the snapshot's labels (${shown(labels)}${nearestText(label, labels)})`,
        "Add it to the snapshot's ontologySpec.labels, or remove it from id_to_label_map.",
      );
    if (classes !== undefined && Number(id) >= classes)
      throw new OnnxSignatureDiffers(
        file,
        `id_to_label_map contains class ${id}, and the model has ${classes}`,
        'Classes are counted from 0.',
      );
    byClass[Number(id)] = label;
  }
  checkSwaps(map, names, file);
  return byClass;
}

/** A map may rename and merge classes. It must not give a class the name that the file gives to another one. */
function checkSwaps(map: LabelMap, names: readonly string[] | undefined, file: string): void {
  for (const [id, label] of Object.entries(map)) {
    const own = names?.[Number(id)];
    const other = names?.indexOf(label) ?? -1;
    if (own === undefined || own === label || other < 0 || map[other] === label) continue;
    throw new OnnxSignatureDiffers(
      file,
      `id_to_label_map calls class ${id} ${JSON.stringify(label)}, and the file calls it ${JSON.stringify(own)} and class ${other} ${JSON.stringify(label)}`,
      'Correct id_to_label_map, or set it to null: classes are then matched with labels by the names in the file.',
    );
  }
}

function namedLabels(names: readonly string[], { labels, classes, file }: ClassSource): readonly string[] {
  const advice = `Give the snapshot the labels ${shown(names)}, or set id_to_label_map, for example {"0": ${JSON.stringify(labels[0] ?? names[0])}}.`;
  if (classes !== undefined && classes !== names.length)
    throw new OnnxSignatureDiffers(
      file,
      `it has ${classes} classes, and its file names ${names.length} (${shown(names)})`,
      'Name the classes in id_to_label_map.',
    );
  const missing = names.filter((name) => !labels.includes(name));
  if (missing.length === 0) return names;
  throw new OnnxSignatureDiffers(
    file,
    `its file names the classes ${shown(names)}, and the snapshot's labels (${shown(labels)}) do not contain ${JSON.stringify(missing[0])}${nearestText(missing[0]!, labels)}`,
    advice,
  );
}

function nearestText(name: string, labels: readonly string[]): string {
  const found = nearest(name, labels);
  return found === undefined ? '' : `; the nearest is ${JSON.stringify(found)}`;
}

function shown(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  return names.slice(0, 10).join(', ') + (names.length > 10 ? ', ...' : '');
}
