import { parseDocument } from 'yaml';
import * as z from 'zod/mini';
import { FormatUnreadable } from './errors.ts';
import type { FormatFiles } from './format.ts';
import { textOf } from './text-stream.ts';
import type { ClassNames } from './yolo-names.ts';

const MAX_BYTES = 4 * 1024 * 1024;
/** Aliases that are resolved: a file of a few lines could stand for gigabytes otherwise. */
const MAX_ALIASES = 100;

/** Keypoints of one instance: their number, the numbers of each (2 or 3), and names where the file has them. */
export interface PoseShape {
  keypoints: number;
  dimensions: 2 | 3;
  /** By class number; `[]` for a class without names. */
  names: ReadonlyMap<number, readonly string[]>;
}

/** Content of a `data.yaml`. Source: docs.ultralytics.com, "Dataset format" of Detect and Pose. */
export interface DataYaml {
  names: ClassNames | undefined;
  /** Folder that the entries are relative to, as written. */
  path: string;
  /** Folders, or lists of images, by the key of the file. */
  entries: { key: 'train' | 'val' | 'test'; values: string[] }[];
  pose: PoseShape | undefined;
}

const listSchema = z.union([z.string(), z.array(z.string())]);
const namesSchema = z.union([z.array(z.string()), z.record(z.string(), z.string())]);
/** All scalars are texts here: a class may be called `no`, `1` or `~`. */
const dataSchema = z.looseObject({
  names: z.optional(z.union([namesSchema, z.literal('')])),
  path: z.optional(z.string()),
  train: z.optional(listSchema),
  val: z.optional(listSchema),
  valid: z.optional(listSchema),
  test: z.optional(listSchema),
  kpt_shape: z.optional(z.array(z.string())),
  kpt_names: z.optional(z.record(z.string(), z.array(z.string()))),
});

/**
 * Reads the YAML file of a data set; `undefined` for a YAML file about something else.
 * @throws FormatUnreadable for text that is not YAML, and for a data set with values of other types
 */
export async function readDataYaml(files: FormatFiles, path: string): Promise<DataYaml | undefined> {
  const value = parseYaml(
    path,
    (await Array.fromAsync(textOf('yolo', files, path, { maxBytes: MAX_BYTES }))).join(''),
  );
  if (typeof value !== 'object' || value === null || !('names' in value || 'train' in value))
    return undefined;
  const parsed = dataSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FormatUnreadable('yolo', path, `its ${issue!.path.join('.')} is not as data sets have it`);
  }
  const data = parsed.data;
  const entries = [
    { key: 'train' as const, values: toList(data.train) },
    { key: 'val' as const, values: [...toList(data.val), ...toList(data.valid)] },
    { key: 'test' as const, values: toList(data.test) },
  ];
  return {
    names: data.names === undefined || data.names === '' ? undefined : toNames(path, data.names),
    path: data.path ?? '',
    entries,
    pose: data.kpt_shape && toPose(path, data.kpt_shape, data.kpt_names ?? {}),
  };
}

function parseYaml(path: string, text: string): unknown {
  try {
    const document = parseDocument(text, { schema: 'failsafe', logLevel: 'error' });
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    const problem = error instanceof Error ? error.message.split('\n', 1)[0]! : 'it is no YAML';
    throw new FormatUnreadable('yolo', path, problem.replace(/[:.]$/, ''), error);
  }
}

function toList(value: string | string[] | undefined): string[] {
  const list = value === undefined ? [] : typeof value === 'string' ? [value] : value;
  return list.filter((each) => each !== '' && each !== '~' && each !== 'null');
}

function toNames(path: string, names: string[] | Record<string, string>): ClassNames {
  const pairs = Array.isArray(names) ? [...names.entries()] : Object.entries(names);
  return new Map(
    pairs.map(([key, name]) => {
      const id = Number(key);
      if (key === '' || !Number.isSafeInteger(id) || id < 0)
        throw new FormatUnreadable('yolo', path, `${JSON.stringify(key)} in its names is no class number`);
      if (name === '') throw new FormatUnreadable('yolo', path, `its class ${id} has no name`);
      return [id, name];
    }),
  );
}

function toPose(path: string, shape: string[], names: Record<string, string[]>): PoseShape {
  const [keypoints, dimensions] = shape.map(Number);
  if (
    shape.length !== 2 ||
    !Number.isSafeInteger(keypoints) ||
    keypoints! < 1 ||
    (dimensions !== 2 && dimensions !== 3)
  )
    throw new FormatUnreadable('yolo', path, 'its kpt_shape is not [number of keypoints, 2 or 3]');
  return {
    keypoints: keypoints!,
    dimensions,
    names: new Map(Object.entries(names).map(([id, each]) => [Number(id), each])),
  };
}
