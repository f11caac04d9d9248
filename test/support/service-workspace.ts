import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { pushCodebase } from '../../shared/catalog/codebase-push.ts';
import { createPackage } from '../../shared/catalog/packages.ts';
import { createService } from '../../shared/catalog/services.ts';
import { packFolder } from '../../shared/codebases/archive.ts';
import type { CodebaseSpec } from '../../shared/entities/codebase-spec.ts';
import type { Package } from '../../shared/entities/package.ts';
import type { Service } from '../../shared/entities/service.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { TinyWorkspace } from './tiny-workspace.ts';

/** A function of a package as a test declares it. */
export interface DeclaredForTest {
  name: string;
  input?: JsonObject[];
  output?: JsonObject[];
}

/** Keeps a file `main.mjs` as a codebase of the workspace's project. */
export async function pushCode(space: TinyWorkspace, name: string, code: string): Promise<CodebaseSpec> {
  const directory = await mkdtemp(join(tmpdir(), 'modelfn-code-'));
  try {
    await writeFile(join(directory, 'main.mjs'), code);
    const push = { projectId: space.project.id, name, archive: await packFolder(directory) };
    const { itemId } = await pushCodebase(space.platform, LOCAL_ACTOR, push);
    return { type: 'item', itemId };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Makes a package of the class `Runner` in `code`, and a service of it, both by the same name. */
export async function deploy(
  space: TinyWorkspace,
  code: string,
  functions: readonly DeclaredForTest[],
  {
    name = 'tools',
    initInputs = [],
    ...settings
  }: { name?: string; initInputs?: JsonObject[] } & JsonObject = {},
): Promise<{ package: Package; service: Service }> {
  const made = await createPackage(space.platform, LOCAL_ACTOR, {
    name,
    projectId: space.project.id,
    codebase: await pushCode(space, name, code),
    modules: [{ name: 'tools', className: 'Runner', entryPoint: 'main.mjs', initInputs, functions }],
  });
  const service = await createService(space.platform, LOCAL_ACTOR, {
    name,
    projectId: space.project.id,
    packageId: made.id,
    ...settings,
  });
  return { package: made, service };
}
