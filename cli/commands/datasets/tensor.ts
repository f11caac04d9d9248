import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readTensorFile } from '../../../shared/catalog/annotations.ts';
import type { Answer } from '../../command.ts';
import { sizeText } from '../../output/units.ts';
import type { Session } from '../../session.ts';

/** Writes the `.npy` file of a prediction's tensor; an older file of that name is replaced once it is whole. */
export async function writeTensor(session: Session, id: string, options: { to?: string }): Promise<Answer> {
  const { name, content, bytes } = await readTensorFile(session.platform, session.actor, id);
  const target = session.path(options.to ?? name);
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(join(dirname(target), '.modelfn-tensor-'));
  try {
    const partial = join(folder, name);
    await pipeline(bytes, createWriteStream(partial));
    await rename(partial, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const { sizeBytes } = content;
  return {
    json: { annotation: id, file: target, sizeBytes },
    text: `Wrote the tensor of annotation ${id} to ${basename(target)} (${sizeText(sizeBytes)}).`,
  };
}
