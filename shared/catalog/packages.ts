import * as z from 'zod/mini';
import { type Actor, scopeOf } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { wordSchema } from '../entities/fields.ts';
import {
  newPackageSchema,
  type Package,
  type PackageModule,
  type PackageRevision,
  packageSchema,
} from '../entities/package.ts';
import { hasCode, type InputProblem, InvalidInput } from '../errors.ts';
import { canonicalJson, isJsonObject, type Json } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { NameTaken, StillInUse } from '../services/errors.ts';
import { assertName } from '../services/names.ts';
import { presentRevision } from '../services/service-function.ts';
import type { Page } from '../store/entity-store.ts';
import { projectFor } from './access.ts';
import { listMatches } from './all-matches.ts';
import { givenFields } from './given-fields.ts';
import { packageFor } from './model-access.ts';
import { afterVersion, FIRST_VERSION } from './patch-version.ts';
import { assertNoPrivateCodebase } from './private-path.ts';
import { queryByEnvelope } from './query-by-envelope.ts';

/** Versions kept beside the present one. */
const MAX_REVISIONS = 100;

/**
 * Makes a package. Nulls and keys that are not the caller's are noise.
 * @throws InvalidInput, InvalidName, EntityNotFound for the project, NameTaken (code `Conflict`)
 */
export async function createPackage(platform: Platform, actor: Actor, input: unknown): Promise<Package> {
  const fields = parse(newPackageSchema, withoutNulls(input), 'package');
  if (fields.codebase) await assertNoPrivateCodebase(platform.config, fields.codebase);
  assertName('package', fields.name);
  assertModules(fields.modules);
  const now = isoTime(platform.clock);
  const made: Package = {
    id: platform.ids.objectId(),
    ...fields,
    version: FIRST_VERSION,
    creator: actor.email,
    createdAt: now,
    updatedAt: now,
  };
  await platform.store.transaction(async (store) => {
    await projectFor(store, actor, made.projectId);
    await orNameTaken(made, () => store.insert('Package', [made]));
  });
  return made;
}

/** @throws EntityNotFound */
export function getPackage(platform: Platform, actor: Actor, id: string): Promise<Package> {
  return packageFor(platform.store, actor, id);
}

/** Answers an envelope (docs/WIRE.md) within what the actor may see. @throws InvalidFilter, InvalidInput */
export function queryPackages(platform: Platform, actor: Actor, envelope: unknown): Promise<Page<Package>> {
  return queryByEnvelope(platform, 'Package', envelope, scopeOf(actor));
}

// Of the entity itself: the schema of a new one would put defaults in place of what is not given.
const { codebase, modules, serviceConfig, slots, requirements, uiHooks, type } = packageSchema.shape;
const packagePatchSchema = z.object({
  name: z.optional(wordSchema),
  global: z.optional(z.boolean()),
  type: z.optional(type),
  codebase,
  modules: z.optional(modules),
  serviceConfig: z.optional(serviceConfig),
  slots: z.optional(slots),
  requirements: z.optional(requirements),
  uiHooks: z.optional(uiHooks),
});

/**
 * Takes what may change from a whole package; the rest of it is noise. Every change makes the next version, and the
 * earlier one stays among the revisions: services go on with the version they were deployed with.
 * @throws EntityNotFound, InvalidInput, InvalidName, NameTaken (code `Conflict`)
 */
export async function updatePackage(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Package> {
  const given = parse(packagePatchSchema, withoutNulls(input), 'update of a package');
  if (given.codebase) await assertNoPrivateCodebase(platform.config, given.codebase);
  const patch = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return platform.store.transaction(async (store) => {
    const current = await packageFor(store, actor, id);
    const changed: Package = { ...current, ...patch };
    if (canonicalJson(changed) === canonicalJson(current)) return current;
    assertName('package', changed.name);
    assertModules(changed.modules);
    const next: Package = {
      ...changed,
      version: afterVersion(current.version),
      revisions: [...(current.revisions ?? []), presentRevision(current)].slice(-MAX_REVISIONS),
      updatedAt: isoTime(platform.clock),
    };
    return orNameTaken(next, () => store.update('Package', id, () => next));
  });
}

/** Deletes a package; its code stays where it lies. @throws EntityNotFound, StillInUse while services run it */
export async function deletePackage(platform: Platform, actor: Actor, id: string): Promise<void> {
  await platform.store.transaction(async (store) => {
    const { name } = await packageFor(store, actor, id);
    const services = await listMatches(store, 'Service', { filter: { packageId: { $in: [id] } } });
    if (services.length > 0)
      throw new StillInUse(
        { kind: 'package', id, name },
        services.map((service) => `service ${service.name}`),
      );
    await store.delete('Package', [id]);
  });
}

/** Versions of a package, oldest first; the present one is last. At most 101 are kept. @throws EntityNotFound */
export async function packageRevisions(
  platform: Platform,
  actor: Actor,
  id: string,
): Promise<PackageRevision[]> {
  const found = await packageFor(platform.store, actor, id);
  return [...(found.revisions ?? []), presentRevision(found)];
}

/** What a runner's class has beside its functions. */
const RUNNER_MEMBERS = ['init', 'close', 'params'];

/** What a schema of one module does not see: two of a name, and what `load` is good for. @throws InvalidInput */
export function assertModules(all: readonly PackageModule[]): void {
  const problems: InputProblem[] = twins('modules', all);
  for (const [at, module] of all.entries()) {
    const field = `modules.${at}`;
    if (module.entryPoint.split(/[\\/]/).includes('..') || module.entryPoint.startsWith('/'))
      problems.push({ field: `${field}.entryPoint`, problem: 'is to be a file inside the codebase' });
    problems.push(...twins(`${field}.initInputs`, module.initInputs));
    problems.push(...twins(`${field}.functions`, module.functions));
    for (const [index, { name, input, output }] of module.functions.entries()) {
      const own = `${field}.functions.${index}`;
      if (RUNNER_MEMBERS.includes(name))
        problems.push({ field: own, problem: `${name} is a member of every runner; take another name` });
      problems.push(...twins(`${own}.input`, input), ...twins(`${own}.output`, output));
    }
    const inputs = [...module.initInputs, ...module.functions.flatMap(({ input }) => input)];
    for (const { name, load, type: declared } of inputs)
      if (load && declared !== 'Snapshot')
        problems.push({
          field: `${field}: input ${name}`,
          problem: `only a Snapshot can be loaded, not ${declared}`,
        });
    for (const { name, load } of module.initInputs)
      if (load)
        problems.push({
          field: `${field}.initInputs: ${name}`,
          problem: 'an adapter is loaded for a call, not for the constructor; declare it at the function',
        });
  }
  if (problems.length > 0) throw new InvalidInput('package', problems);
}

function twins(field: string, list: readonly { name: string }[]): InputProblem[] {
  const names = list.map(({ name }) => name);
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))].map((name) => ({
    field,
    problem: `there are two named ${name}`,
  }));
}

/** Modules, functions, inputs: nothing of a package is deeper, and nobody's nesting is walked without end. */
const MAX_DEPTH = 8;

/** A null of the client says "not given", also inside of modules and requirements. */
function withoutNulls(input: unknown): unknown {
  const given = givenFields(input);
  if (!isJsonObject(given)) return given;
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [
      key,
      key === 'modules' || key === 'requirements' ? cleaned(value, 0) : value,
    ]),
  );
}

function cleaned(value: Json, depth: number): Json {
  if (depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((inner) => cleaned(inner, depth + 1));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      // A default value is the caller's: nulls in it are meant.
      .map(([key, inner]) => [key, key === 'value' ? inner : cleaned(inner, depth + 1)]),
  );
}

/** The store keeps names unique, whoever writes at the same time. */
async function orNameTaken<T>({ name, projectId }: Package, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw hasCode(error, 'Conflict') ? new NameTaken('package', name, projectId, error) : error;
  }
}
