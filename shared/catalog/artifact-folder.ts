import type { Actor } from '../auth/actor.ts';
import type { Platform } from '../platform.ts';
import { binariesDataset } from './datasets.ts';
import { makeDir } from './folders.ts';

/**
 * The folder item `/artifacts<path>` of a project's Binaries, made when it is missing; answers its id. Artifacts of the
 * platform lie there (docs/WIRE.md, Buckets).
 */
export async function artifactFolder(
  platform: Platform,
  actor: Actor,
  projectId: string,
  path: string,
): Promise<string> {
  const { id } = await binariesDataset(platform, actor, projectId);
  const folder = await makeDir(platform, actor, id, `/artifacts${path}`);
  return folder.id;
}
