import type { Actor } from '../auth/actor.ts';
import type { Package } from '../entities/package.ts';
import type { Platform } from '../platform.ts';
import { assertName } from '../services/names.ts';
import { listMatches } from './all-matches.ts';
import { type PushedCodebase, pushCodebase } from './codebase-push.ts';
import { assertModules, createPackage, updatePackage } from './packages.ts';

/** A package with its code. */
export interface PackagePush
  extends Pick<Package, 'name' | 'modules' | 'slots' | 'requirements' | 'serviceConfig'> {
  projectId: string;
  archive: Uint8Array;
}

/**
 * Pushes code and makes the package of that name in the project, or its next version where anything changed. What cannot be
 * a package is refused before the code is kept.
 * @throws InvalidName, InvalidInput, and the codes of `pushCodebase`
 */
export async function pushPackage(
  platform: Platform,
  actor: Actor,
  { archive, projectId, ...fields }: PackagePush,
): Promise<{ package: Package; codebase: PushedCodebase; created: boolean }> {
  assertName('package', fields.name);
  assertModules(fields.modules);
  const codebase = await pushCodebase(platform, actor, { projectId, name: fields.name, archive });
  const given = { ...fields, codebase: { type: 'item', itemId: codebase.itemId } };
  const [known] = await listMatches(platform.store, 'Package', {
    filter: { name: { $in: [fields.name] } },
    scope: { projectIds: [projectId] },
  });
  const pushed = known
    ? await updatePackage(platform, actor, known.id, given)
    : await createPackage(platform, actor, { ...given, projectId });
  return { package: pushed, codebase, created: known === undefined };
}
