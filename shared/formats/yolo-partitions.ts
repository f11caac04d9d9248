import type { Partition } from '../entities/item.ts';
import type { FormatFiles } from './format.ts';
import type { LossReport } from './loss-report.ts';
import { linesOf } from './text-stream.ts';
import { folderOf, foldersOf, isPicture, partsOf, withoutImages } from './yolo-paths.ts';

const MAX_LINE_CHARS = 64 * 1024;

/** `unassigned` is the list of items in no partition that exports have. */
export type ListedPartition = Partition | 'unassigned';

/** Words for partitions, in names of folders and lists. */
const WORDS: readonly [ListedPartition, RegExp][] = [
  ['train', /^(train|training|train\d{4})$/i],
  ['validation', /^(val|valid|validation|dev|val\d{4})$/i],
  ['test', /^(test|testing|test\d{4})$/i],
  ['unassigned', /^unassigned$/i],
];

/** A picture that a list names. `path` is what the item is called where the folder does not hold the picture. */
interface ListedPicture {
  path: string;
  partition: ListedPartition;
  /** List and line, for losses. */
  place: string;
}

/** Which picture is in which partition. */
export interface Partitions {
  /** By the paths of pictures in the folder. */
  readonly of: ReadonlyMap<string, Partition | undefined>;
  /** Pictures that lists name and the folder does not hold. */
  readonly elsewhere: readonly ListedPicture[];
}

/** A folder, or a list of pictures, that stands for a partition. `base` is the folder that it is relative to. */
export interface PartitionEntry {
  partition: ListedPartition;
  value: string;
  base: string;
  /** File and key, for losses. */
  place: string;
}

/** The partition that a word means; `undefined` for other words. */
export function partitionOfWord(word: string): ListedPartition | undefined {
  const own = word.replace(/^obj_(.+)_data$/i, '$1');
  return WORDS.find(([, pattern]) => pattern.test(own))?.[0];
}

/** Finds the partitions of pictures: by the entries of a YAML or `obj.data` file, by lists, by the names of folders. */
export async function readPartitions(
  files: FormatFiles,
  from: { pictures: readonly string[]; lists: readonly string[]; entries: readonly PartitionEntry[] },
  losses: LossReport,
): Promise<Partitions> {
  const { pictures } = from;
  const found = new Map<string, ListedPartition>();
  const elsewhere: ListedPicture[] = [];
  const lists = new Map<string, ListedPartition>();
  const note = (picture: string, partition: ListedPartition) => {
    const known = found.get(picture);
    if (known === undefined) found.set(picture, partition);
    else if (known !== partition)
      losses.dropped('image', 'partition', `${picture} is in ${known} and ${partition}`);
  };
  for (const { partition, value, base, place } of from.entries) {
    const target = resolve(value, base, from);
    if (target === undefined) {
      if (pictures.length > 0) losses.dropped('file', 'partition', `${place}: ${value}`);
    } else if ('list' in target) lists.set(target.list, partition);
    else for (const picture of target.pictures) note(picture, partition);
  }
  for (const list of from.lists) {
    const partition = partitionOfWord(list.slice(folderOf(list).length).replace(/\.txt$/i, ''));
    if (partition !== undefined && !lists.has(list)) lists.set(list, partition);
  }
  const byName = Map.groupBy(pictures, (path) => path.slice(folderOf(path).length));
  for (const [list, partition] of lists) {
    let number = 0;
    for await (const line of linesOf('yolo', files, list, MAX_LINE_CHARS)) {
      number += 1;
      if (line.trim() === '') continue;
      const place = `${list}:${number}: ${line.trim()}`;
      const matches = picturesOf(line, byName);
      if (matches.length === 1) note(matches[0]!, partition);
      else if (matches.length > 1) losses.dropped('file', 'listed image', place);
      else elsewhere.push({ path: itemPathOf(line), partition, place });
    }
  }
  const of = new Map(
    pictures.map((picture) => {
      const partition = found.get(picture) ?? partitionOfFolders(picture);
      return [picture, partition === 'unassigned' ? undefined : partition];
    }),
  );
  return { of, elsewhere };
}

/**
 * Finds the list or the folder that an entry means. Entries are often paths of another machine: parts at their beginning that
 * lead nowhere are left out.
 */
function resolve(
  value: string,
  base: string,
  { pictures, lists }: { pictures: readonly string[]; lists: readonly string[] },
): { list: string } | { pictures: readonly string[] } | undefined {
  const parts = partsOf(value);
  for (const root of new Set([base, '']))
    for (let from = 0; from < Math.max(1, parts.length); from += 1) {
      const path = root + parts.slice(from).join('/');
      if (lists.includes(path)) return { list: path };
      const folder = path === '' || path.endsWith('/') ? path : `${path}/`;
      const below = pictures.filter((picture) => picture.startsWith(folder));
      if (below.length > 0) return { pictures: below };
    }
  return undefined;
}

/** The pictures of the folder that a line may mean: one path must be the end of the other. The longest matches win. */
function picturesOf(line: string, byName: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const wanted = `/${partsOf(line).join('/')}`;
  const candidates = (byName.get(wanted.slice(wanted.lastIndexOf('/') + 1)) ?? []).filter(
    (path) => wanted.endsWith(`/${path}`) || `/${path}`.endsWith(wanted),
  );
  const shared = (path: string) => Math.min(path.length + 1, wanted.length);
  const longest = Math.max(...candidates.map(shared));
  return candidates.filter((path) => shared(path) === longest);
}

/** The item that a line means without its picture: a relative path without the folder for images; of any other the file name. */
function itemPathOf(line: string): string {
  const parts = partsOf(line);
  const isRelative = !/^\s*([A-Za-z]:|[\\/])/.test(line);
  return isRelative ? withoutImages(parts.join('/')) : (parts.at(-1) ?? '');
}

function partitionOfFolders(path: string): ListedPartition | undefined {
  return foldersOf(path)
    .map(partitionOfWord)
    .find((each) => each !== undefined);
}

/** True for a list of pictures by the beginning of its text. */
export function isPictureList(text: string): boolean {
  const [line] = text.split(/\r?\n/).filter((each) => each.trim() !== '');
  return line !== undefined && isPicture(line.trim());
}
