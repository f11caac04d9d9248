import { basename } from 'node:path';
import { type ImportEntry, uploadItems } from '../shared/catalog/item-import.ts';
import { digestFile, readFileChunks } from '../shared/content/file-digest.ts';
import { messageOf, systemCode } from '../shared/errors.ts';
import { PathUnusable } from './errors.ts';
import type { Session } from './session.ts';

/** Folder of a dataset that gets files which are uploaded only to be predicted. */
const FOLDER = '/uploads';

/**
 * Puts single files of this machine into a dataset and answers their paths there, `/uploads/<digest>/<name>`: the same
 * file again is the same item, and another one of its name is not mistaken for it.
 * @throws PathUnusable for a file that cannot be read: then nothing was uploaded; the code of the first file refused
 */
export async function uploadFiles(
  { platform, actor, io, path }: Session,
  datasetId: string,
  files: readonly string[],
): Promise<string[]> {
  const entries: ImportEntry[] = [];
  for (const file of files) {
    const { sha256 } = await digested(file, path(file));
    const target = `${FOLDER}/${sha256.slice(0, 16)}/${basename(path(file))}`;
    entries.push({ path: target, source: readFileChunks(path(file), io.interrupted) });
  }
  const { failures } = await uploadItems(platform, actor, datasetId, entries, {
    mode: 'skip',
    signal: io.interrupted,
  });
  const [failure] = failures;
  if (failure)
    throw new PathUnusable(failure.path, 'cannot be uploaded', failure.error.message, failure.error);
  return entries.map((entry) => entry.path);
}

async function digested(file: string, absolutePath: string): Promise<{ sha256: string }> {
  try {
    return await digestFile(absolutePath);
  } catch (error) {
    const problem = systemCode(error) === 'ENOENT' ? 'is not there' : `cannot be read (${messageOf(error)})`;
    throw new PathUnusable(file, problem, 'Give the path of a file.', error);
  }
}
