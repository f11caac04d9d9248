import * as z from 'zod/mini';
import { OnnxSignatureDiffers } from './errors.ts';

/** Labels by class index, as the exporting program numbered them: `{"0": "cat", "1": "dog"}`. */
export const labelMapSchema = z.record(z.string().check(z.regex(/^(0|[1-9]\d{0,5})$/)), z.string());

/**
 * Label by class index. Without a map the snapshot's labels in their order, which then are as many as the classes. With one
 * the classes it does not name have no label: they are not predicted. `classes`: `undefined` where the model does not say.
 * @throws OnnxSignatureDiffers
 */
export function labelsByClass(
  map: Readonly<Record<string, string>> | null,
  labels: readonly string[],
  classes: number | undefined,
  file: string,
): readonly (string | undefined)[] {
  if (map === null) {
    if (classes !== undefined && classes !== labels.length)
      throw new OnnxSignatureDiffers(
        file,
        `it tells ${classes} classes apart, and the snapshot has ${labels.length} labels (${labels.slice(0, 10).join(', ')})`,
        'Give the snapshot as many labels in the order of the classes, or name them in id_to_label_map.',
      );
    return labels;
  }
  const byClass: (string | undefined)[] = [];
  for (const [id, label] of Object.entries(map)) {
    if (!labels.includes(label))
      throw new OnnxSignatureDiffers(
        file,
        `id_to_label_map names ${JSON.stringify(label)}, which is not among the snapshot's labels (${labels.slice(0, 10).join(', ') || 'none'})`,
        "Add it to the snapshot's ontologySpec.labels, or take it out of the map.",
      );
    if (classes !== undefined && Number(id) >= classes)
      throw new OnnxSignatureDiffers(
        file,
        `id_to_label_map names class ${id}, and the model has ${classes}`,
        'Classes are counted from 0.',
      );
    byClass[Number(id)] = label;
  }
  return byClass;
}
