import { type DataYaml, type PoseShape, readDataYaml } from './data-yaml.ts';
import { FormatUnreadable } from './errors.ts';
import type { FormatFiles, MediaFile } from './format.ts';
import { LossReport } from './loss-report.ts';
import { itemPath, stemOf } from './paths.ts';
import { isClutter, peekText, toMediaFiles } from './survey.ts';
import { linesOf } from './text-stream.ts';
import { isNamesFile, type NamesSource, readNamesFile } from './yolo-names.ts';
import {
  isPictureList,
  type PartitionEntry,
  type Partitions,
  partitionOfWord,
  readPartitions,
} from './yolo-partitions.ts';
import {
  folderOf,
  isBelowLabels,
  isPicture,
  labelStems,
  partsOf,
  withoutImages,
  withoutLabels,
} from './yolo-paths.ts';

const MEDIA = 'images/';
const MAX_LINE_CHARS = 64 * 1024;

/** Files of a data set by their role. */
export interface YoloFiles {
  pictures: MediaFile[];
  /** Label file by the file of its picture. */
  labels: Map<string, string>;
  /** Label files without a picture in the folder. */
  orphans: string[];
  /** Texts that may list pictures or classes, before their content is known to be right. */
  lists: string[];
  namesFiles: string[];
  dataFiles: string[];
  yamlFiles: string[];
  /** Files that no rule knows. */
  unknown: string[];
}

/** Facts that all label files of a data set share. */
export interface YoloSettings {
  names: NamesSource[];
  pose: PoseShape | undefined;
  partitions: Partitions;
  losses: LossReport;
}

/**
 * Sorts files by their role, whatever the layout: labels in a folder `labels` in place of `images`, or beside the pictures. Looks
 * into texts whose name does not tell.
 */
export async function sortYoloFiles(files: FormatFiles): Promise<YoloFiles> {
  const paths = (await files.list()).filter((path) => !isClutter(path));
  const texts = new Map(paths.filter((path) => /\.txt$/i.test(path)).map((path) => [stemOf(path), path]));
  const pictures = paths.filter((path) => isPicture(path) && !isBelowLabels(path));
  const labels = new Map<string, string>();
  for (const picture of pictures) {
    const stem = labelStems(picture, stemOf(picture)).find((each) => texts.has(each));
    if (stem !== undefined) labels.set(picture, texts.get(stem)!);
  }
  const taken = new Set(labels.values());
  const sorted: YoloFiles = {
    pictures: [],
    labels,
    orphans: [],
    lists: [],
    namesFiles: [],
    dataFiles: [],
    yamlFiles: [],
    unknown: [],
  };
  const media = [...pictures];
  for (const path of paths) {
    if (taken.has(path) || isPicture(path)) continue;
    // In the layout that modelfn writes, items of any kind lie below `images`, also texts.
    if (path.startsWith(MEDIA)) media.push(path);
    else if (isNamesFile(path) && !(isBelowLabels(path) && (await isLabelText(files, path))))
      sorted.namesFiles.push(path);
    else if (/\.ya?ml$/i.test(path)) sorted.yamlFiles.push(path);
    else if (/\.data$/i.test(path)) sorted.dataFiles.push(path);
    else if (/\.txt$/i.test(path)) sorted[await roleOfText(files, path)].push(path);
    else sorted.unknown.push(path);
  }
  sorted.pictures = toMediaFiles(media.sort(), withoutImages);
  return sorted;
}

async function roleOfText(files: FormatFiles, path: string): Promise<'orphans' | 'lists' | 'unknown'> {
  if (isBelowLabels(path)) return 'orphans';
  const text = await peekText(files, path);
  if (isLabelLine(text)) return 'orphans';
  const word = path.slice(folderOf(path).length).replace(/\.txt$/i, '');
  if (isPictureList(text) || partitionOfWord(word) !== undefined) return 'lists';
  return text.trim() === '' ? 'orphans' : 'unknown';
}

async function isLabelText(files: FormatFiles, path: string): Promise<boolean> {
  return isLabelLine(await peekText(files, path));
}

/** True where the first line has a class number and at least four numbers behind it. */
function isLabelLine(text: string): boolean {
  return /^\s*\d+(\.0+)?([ \t]+[-+.\deE]+){4,}\s*(\n|$)/.test(text.replace(/^\uFEFF/, ''));
}

/** Reads the files that all label files depend on: names of classes, keypoints, partitions. @throws FormatUnreadable */
export async function readYoloSettings(files: FormatFiles, sorted: YoloFiles): Promise<YoloSettings> {
  const losses = new LossReport();
  const names: NamesSource[] = [];
  const entries: PartitionEntry[] = [];
  let pose: PoseShape | undefined;
  const others = [...sorted.unknown];
  for (const path of sorted.yamlFiles) {
    const data = await readDataYaml(files, path);
    if (data === undefined) {
      others.push(path);
      continue;
    }
    if (data.names) names.push({ path, folder: folderOf(path), names: data.names });
    pose ??= data.pose;
    entries.push(...entriesOf(path, data));
  }
  for (const path of sorted.namesFiles)
    names.push({ path, folder: folderOf(path), names: await readNamesFile(files, path) });
  for (const path of sorted.dataFiles) entries.push(...(await entriesOfDataFile(files, path)));
  for (const path of others) losses.dropped('file', '*', path);
  noteTwins(names, losses);
  const pictures = sorted.pictures.map(({ file }) => file);
  const partitions = await readPartitions(files, { pictures, lists: sorted.lists, entries }, losses);
  return { names, pose, partitions, losses };
}

function entriesOf(path: string, { path: root, entries }: DataYaml): PartitionEntry[] {
  const isRelative = !/^([A-Za-z]:|[\\/~])/.test(root);
  const below = isRelative ? partsOf(root).map((part) => `${part}/`) : [];
  return entries.flatMap(({ key, values }) =>
    values.map((value) => ({
      partition: key === 'val' ? ('validation' as const) : key,
      value,
      base: folderOf(path) + below.join(''),
      place: `${path}: ${key}`,
    })),
  );
}

/** Reads the lines `train = data/train.txt` of a Darknet `obj.data`. */
async function entriesOfDataFile(files: FormatFiles, path: string): Promise<PartitionEntry[]> {
  const entries: PartitionEntry[] = [];
  for await (const line of linesOf('yolo', files, path, MAX_LINE_CHARS)) {
    const [key = '', value = ''] = line.split('=', 2).map((each) => each.trim());
    const partition = partitionOfWord(key);
    if (partition !== undefined && value !== '')
      entries.push({ partition, value, base: folderOf(path), place: `${path}: ${key}` });
  }
  return entries;
}

/** Two numbers of one name become one label. */
function noteTwins(sources: readonly NamesSource[], losses: LossReport): void {
  for (const { path, names } of sources) {
    const seen = new Map<string, number>();
    for (const [id, name] of names) {
      const first = seen.get(name);
      if (first === undefined) seen.set(name, id);
      else losses.approximated('category', 'name', `${path}: ${name} is class ${first} and ${id}`);
    }
  }
}

/** The stem of the item that a label file without a picture means. @throws FormatUnreadable */
export function stemOfOrphan(path: string): string {
  return stemOf(itemPath('yolo', path, withoutLabels(path)));
}

/** Reason to take a folder for a YOLO data set; `undefined` without one. */
export async function evidenceOf(files: FormatFiles, sorted: YoloFiles): Promise<string | undefined> {
  for (const path of sorted.yamlFiles) {
    const data = await readDataYaml(files, path).catch((error: unknown) => {
      if (error instanceof FormatUnreadable) return undefined;
      throw error;
    });
    if (data) return `${path} names classes and partitions`;
  }
  const [label] = [...sorted.labels.values(), ...sorted.orphans];
  if (label === undefined) return undefined;
  const [names] = sorted.namesFiles;
  if (names !== undefined) return `${names} names the classes of labels such as ${label}`;
  return (await isLabelText(files, label)) ? `${label} has lines of a class and coordinates` : undefined;
}
