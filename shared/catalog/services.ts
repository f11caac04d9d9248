import * as z from 'zod/mini';
import { type Actor, maySee, scopeOf } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { wordSchema } from '../entities/fields.ts';
import type { Package, PackageModule } from '../entities/package.ts';
import {
  newServiceSchema,
  type Service,
  type ServiceRevision,
  type ServiceSettings,
  serviceSettingsSchema,
} from '../entities/service.ts';
import { hasCode, type InputProblem, InvalidInput } from '../errors.ts';
import { canonicalJson, isJsonObject } from '../json.ts';
import { nearest } from '../nearest.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { NameTaken, RunnerUnusable, StillInUse } from '../services/errors.ts';
import { assertName } from '../services/names.ts';
import { moduleOf, revisionAt } from '../services/service-function.ts';
import type { EntityStore, Page } from '../store/entity-store.ts';
import { EntityNotFound } from '../store/errors.ts';
import { projectFor } from './access.ts';
import { listMatches } from './all-matches.ts';
import { givenFields } from './given-fields.ts';
import { serviceFor } from './model-access.ts';
import { afterVersion, FIRST_VERSION } from './patch-version.ts';
import { queryByEnvelope } from './query-by-envelope.ts';

/** Versions kept beside the present one. */
const MAX_REVISIONS = 100;

/**
 * Deploys a module of a package: its functions can be called from now on. Without `packageRevision` the package's present
 * version runs, without `moduleName` its only module.
 * @throws InvalidInput, InvalidName, NameTaken (code `Conflict`); EntityNotFound for project and package;
 * PackageVersionMissing; RunnerUnusable for a package without code, or with code in another language
 */
export async function createService(platform: Platform, actor: Actor, input: unknown): Promise<Service> {
  const { packageRevision, moduleName, ...fields } = parse(newServiceSchema, givenFields(input), 'service');
  assertName('service', fields.name);
  const now = isoTime(platform.clock);
  return platform.store.transaction(async (store) => {
    await projectFor(store, actor, fields.projectId);
    const pkg = await usablePackage(store, actor, fields.packageId, fields.projectId);
    const service: Service = {
      id: platform.ids.objectId(),
      ...fields,
      packageRevision: packageRevision ?? pkg.version,
      moduleName: moduleName ?? onlyModule(pkg),
      version: FIRST_VERSION,
      active: true,
      creator: actor.email,
      createdAt: now,
      updatedAt: now,
    };
    assertDeployable(service, pkg);
    await orNameTaken(service, () => store.insert('Service', [service]));
    return service;
  });
}

/** @throws EntityNotFound */
export function getService(platform: Platform, actor: Actor, id: string): Promise<Service> {
  return serviceFor(platform.store, actor, id);
}

/** Answers an envelope (docs/WIRE.md) within what the actor may see. @throws InvalidFilter, InvalidInput */
export function queryServices(platform: Platform, actor: Actor, envelope: unknown): Promise<Page<Service>> {
  return queryByEnvelope(platform, 'Service', envelope, scopeOf(actor));
}

/**
 * Takes the settings of a whole service, and its name; the rest of it is noise, `active` too. Every change makes the next
 * version; runs under way end as they began.
 * @throws EntityNotFound, and what `createService` throws
 */
export async function updateService(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Service> {
  const given = givenFields(input);
  return platform.store.transaction(async (store) => {
    const current = await serviceFor(store, actor, id);
    const merged = isJsonObject(given) ? { ...current, ...given } : given;
    const settings = parse(serviceSettingsSchema, merged, 'update of a service');
    const { name } = parse(z.object({ name: wordSchema }), merged, 'update of a service');
    const changed: Service = { ...current, ...settings, name };
    if (canonicalJson(changed) === canonicalJson(current)) return current;
    assertName('service', name);
    assertDeployable(changed, await usablePackage(store, actor, changed.packageId, current.projectId));
    const next: Service = {
      ...changed,
      version: afterVersion(current.version),
      revisions: [...(current.revisions ?? []), presentRevision(current)].slice(-MAX_REVISIONS),
      updatedAt: isoTime(platform.clock),
    };
    return orNameTaken(next, () => store.update('Service', id, () => next));
  });
}

/** Stops a service, or has it run again. Runs under way end; calls of a stopped one are refused. @throws EntityNotFound */
export async function setServiceActive(
  platform: Platform,
  actor: Actor,
  id: string,
  active: boolean,
): Promise<Service> {
  return platform.store.transaction(async (store) => {
    const current = await serviceFor(store, actor, id);
    if (current.active === active) return current;
    return store.update('Service', id, (now) => ({ ...now, active, updatedAt: isoTime(platform.clock) }));
  });
}

/** Deletes a service; its executions stay on record. @throws EntityNotFound, StillInUse while triggers or pipelines call it */
export async function deleteService(platform: Platform, actor: Actor, id: string): Promise<void> {
  await platform.store.transaction(async (store) => {
    const service = await serviceFor(store, actor, id);
    const users = await usersOf(store, service);
    if (users.length > 0) throw new StillInUse({ kind: 'service', id, name: service.name }, users);
    await store.delete('Service', [id]);
  });
}

/** Versions of a service, oldest first; the present one is last. At most 101 are kept. @throws EntityNotFound */
export async function serviceRevisions(
  platform: Platform,
  actor: Actor,
  id: string,
): Promise<ServiceRevision[]> {
  const found = await serviceFor(platform.store, actor, id);
  return [...(found.revisions ?? []), presentRevision(found)];
}

/** How a service is: whether it runs, and how many of its executions wait or go on. @throws EntityNotFound */
export async function serviceStatus(
  { store }: Pick<Platform, 'store'>,
  actor: Actor,
  id: string,
): Promise<{ serviceId: string; status: 'active' | 'stopped'; waiting: number; running: number }> {
  const { active, projectId } = await serviceFor(store, actor, id);
  const count = (status: string) =>
    store.count('Execution', {
      filter: { $and: [{ serviceId: { $in: [id] } }, { 'latestStatus.status': status }] },
      scope: { projectIds: [projectId] },
    });
  const [waiting, running] = [await count('created'), await count('inProgress')];
  return { serviceId: id, status: active ? 'active' : 'stopped', waiting, running };
}

/** A package of the project, or a global one that the actor may see. @throws EntityNotFound */
async function usablePackage(
  store: EntityStore,
  actor: Actor,
  id: string,
  projectId: string,
): Promise<Package> {
  const found = await store.get('Package', id);
  if (found && (found.global || (found.projectId === projectId && maySee(actor, projectId)))) return found;
  throw new EntityNotFound({
    kind: 'Package',
    reference: JSON.stringify(id),
    field: 'packageId',
    advice: 'It was deleted, or it is of another project and not global.',
  });
}

function onlyModule(pkg: Package): string {
  const [module, ...others] = pkg.modules;
  if (module && others.length === 0) return module.name;
  throw new InvalidInput('service', [
    {
      field: 'moduleName',
      problem: `package ${pkg.name} has ${pkg.modules.length} modules; name one of: ${pkg.modules.map(({ name }) => name).join(', ') || 'none'}`,
    },
  ]);
}

/** A service that could never run is refused when it is deployed, not when it is called. */
function assertDeployable(service: Service, pkg: Package): void {
  const revision = revisionAt(pkg, service.packageRevision);
  const module = moduleOf(revision, service.moduleName);
  if (!module) {
    const names = revision.modules.map(({ name }) => name);
    const problem = `package ${pkg.name} has no module ${JSON.stringify(service.moduleName.slice(0, 100))} at version ${revision.version}; the nearest is ${nearest(service.moduleName.slice(0, 100), names) ?? 'none, it has no modules'}`;
    throw new InvalidInput('service', [{ field: 'moduleName', problem }]);
  }
  if (!revision.codebase)
    throw new RunnerUnusable(
      `Package ${pkg.name}`,
      'has no code',
      'Push it with: modelfn packages push <folder> --project <project>.',
    );
  if (module.entryPoint.endsWith('.py'))
    throw new RunnerUnusable(
      `Package ${pkg.name} (${module.entryPoint})`,
      'is written in Python, which runs adapters here and no functions',
      'Write the function in TypeScript or JavaScript; it may call a Python adapter through a loaded Snapshot.',
    );
  assertInitParams(service.initParams, module);
}

function assertInitParams(params: ServiceSettings['initParams'], { initInputs }: PackageModule): void {
  const known = initInputs.map(({ name }) => name);
  const problems: InputProblem[] = Object.keys(params)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      field: `initParams.${name}`,
      problem: `is no init input of this module; the nearest is ${nearest(name.slice(0, 100), known) ?? 'none, it takes none'}`,
    }));
  for (const { name, type, optional, value } of initInputs)
    if (!optional && value === undefined && params[name] == null)
      problems.push({ field: `initParams.${name}`, problem: `is missing; it is a ${type}` });
  if (problems.length > 0) throw new InvalidInput('service', problems);
}

function presentRevision(service: Service): ServiceRevision {
  const { version, updatedAt } = service;
  return { version, ...parse(serviceSettingsSchema, service, 'service'), updatedAt };
}

/** Triggers that call a service, and pipelines with a node of it. */
async function usersOf(store: EntityStore, { id, name, projectId }: Service): Promise<string[]> {
  const triggers = await listMatches(store, 'Trigger', {
    filter: { 'spec.operation.serviceId': { $in: [id] } },
    scope: { projectIds: [projectId] },
  });
  const pipelines = await listMatches(store, 'Pipeline', { scope: { projectIds: [projectId] } });
  return [
    ...triggers.map((trigger) => `trigger ${trigger.name} (${trigger.id})`),
    ...pipelines
      .filter(({ nodes }) => nodes.some(({ namespace }) => namespace.serviceName === name))
      .map((pipeline) => `pipeline ${pipeline.name}`),
  ];
}

/** The store keeps names unique, whoever writes at the same time. */
async function orNameTaken<T>({ name, projectId }: Service, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw hasCode(error, 'Conflict') ? new NameTaken('service', name, projectId, error) : error;
  }
}
