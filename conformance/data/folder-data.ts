import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { walkFolder } from '../../shared/content/walk-folder.ts';
import { CheckDataUnusable } from '../errors.ts';
import type { CheckData, CheckFile } from './check-data.ts';

/** More items of a label than this are left aside: the kit trains a dozen times. */
const MOST_PER_CLASS = 24;
const LEAST_PER_CLASS = 4;
const ADVICE = `Give a folder with two sub-folders or more, each named by a label and with ${LEAST_PER_CLASS} files or more.`;

/**
 * A user's own items: `<folder>/<label>/...`, in order of path, the first 24 of each label. Names that begin with a
 * dot are passed over.
 * @throws CheckDataUnusable, FileRefused
 */
export async function folderData(folder: string): Promise<CheckData> {
  const stats = await stat(folder).catch(() => undefined);
  if (!stats?.isDirectory()) throw unusable(folder, 'is no folder');
  const classes = new Map<string, CheckFile[]>();
  const skip = (path: string) => path.split('/').some((name) => name.startsWith('.'));
  for await (const { path, absolutePath } of walkFolder(folder, { skip })) {
    const cut = path.indexOf('/');
    if (cut < 0) continue;
    const files = classes.get(path.slice(0, cut)) ?? [];
    classes.set(path.slice(0, cut), files);
    if (files.length < MOST_PER_CLASS)
      files.push({ extension: extname(path), bytes: await readFile(absolutePath) });
  }
  if (classes.size < 2) throw unusable(folder, `has items of ${classes.size} labels`);
  for (const [label, { length }] of classes)
    if (length < LEAST_PER_CLASS) throw unusable(folder, `has ${length} items of ${JSON.stringify(label)}`);
  return { classes, odd: [] };
}

function unusable(folder: string, problem: string): CheckDataUnusable {
  return new CheckDataUnusable(JSON.stringify(folder), problem, ADVICE);
}
