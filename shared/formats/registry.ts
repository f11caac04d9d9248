import { FormatMissing } from './errors.ts';
import type { AnnotationFormat } from './format.ts';

/** One line a format; its code is loaded when it is first asked for. */
const LOADERS = {
  coco: async () => new (await import('./coco.ts')).CocoFormat(),
  yolo: async () => new (await import('./yolo.ts')).YoloFormat(),
  voc: async () => new (await import('./voc.ts')).VocFormat(),
  csv: async () => new (await import('./csv.ts')).CsvFormat(),
  dataloop: async () => new (await import('./dataloop.ts')).DataloopFormat(),
} satisfies Record<string, () => Promise<AnnotationFormat>>;

export type FormatName = keyof typeof LOADERS;

/** The formats that can be asked for. */
export const FORMAT_NAMES = Object.keys(LOADERS) as readonly FormatName[];

/** @throws FormatMissing */
export async function openFormat(name: string): Promise<AnnotationFormat> {
  if (!Object.hasOwn(LOADERS, name)) throw new FormatMissing(name, FORMAT_NAMES);
  return LOADERS[name as FormatName]();
}
