import { mkdir, mkdtemp, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Answer } from '../../command.ts';
import { localRoot } from '../../local-root.ts';
import { parts } from '../../output/parts.ts';
import { sizeText } from '../../output/units.ts';
import { find } from '../../references.ts';
import { runFunction } from '../../run-function.ts';
import type { Session } from '../../session.ts';

/** Formats a snapshot's weights are exported in. */
export const EXPORT_FORMATS = ['onnx'] as const;

/** Writes the weights of a snapshot as one model file; an older file of that name is replaced once it is whole. */
export async function exportSnapshot(
  session: Session,
  reference: string,
  { format, to }: { format: (typeof EXPORT_FORMATS)[number]; to: string },
): Promise<Answer> {
  const snapshot = await find(session, 'Snapshot', reference);
  const target = session.path(to);
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(join(await realpath(dirname(target)), '.modelfn-export-'));
  try {
    const localPath = await localRoot(session, folder);
    const inputs = { snapshot: snapshot.id, format, bucket: { type: 'local', localPath } };
    const { output, executionId } = await runFunction(session, 'convert', inputs, {
      localRoots: [localPath],
    });
    const [file] = parts(output, 'files');
    await rename(join(folder, String(file!.path)), target);
    return {
      json: { snapshot: output.snapshot!, file: target, sizeBytes: file!.sizeBytes!, executionId },
      text: `Wrote ${snapshot.name}, revision ${snapshot.revision}, to ${basename(target)} (${format}, ${sizeText(Number(file!.sizeBytes))}).`,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
