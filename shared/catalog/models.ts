import * as z from 'zod/mini';
import { type Actor, scopeOf } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { adapterEnvironmentSchema } from '../entities/adapter-environment.ts';
import { tagListSchema } from '../entities/fields.ts';
import {
  classNameSchema,
  entryPointSchema,
  type Model,
  type ModelRevision,
  modelSchema,
  newModelSchema,
} from '../entities/model.ts';
import { hasCode, InvalidInput } from '../errors.ts';
import { canonicalJson } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import type { Page } from '../store/entity-store.ts';
import { projectFor } from './access.ts';
import { checkModelConfiguration } from './check-configuration.ts';
import { givenFields } from './given-fields.ts';
import { modelFor } from './model-access.ts';
import { ModelNameTaken } from './model-errors.ts';
import { afterVersion, FIRST_VERSION } from './patch-version.ts';
import { assertNoPrivateCodebase } from './private-path.ts';
import { queryByEnvelope } from './query-by-envelope.ts';
import { assertNotInUse, removeSnapshots, snapshotsOfModel } from './snapshot-removal.ts';

/** Versions kept beside the present one. */
const MAX_REVISIONS = 100;

/**
 * Makes a model. Nulls and keys that are not the caller's are noise.
 * @throws InvalidInput, EntityNotFound for the project, ModelNameTaken (code `Conflict`)
 */
export async function createModel(platform: Platform, actor: Actor, input: unknown): Promise<Model> {
  const fields = parse(newModelSchema, givenFields(input), 'model');
  await assertNoPrivateCodebase(platform.config, fields.codebase);
  const now = isoTime(platform.clock);
  const model: Model = {
    id: platform.ids.objectId(),
    ...fields,
    version: FIRST_VERSION,
    creator: actor.email,
    createdAt: now,
    updatedAt: now,
  };
  assertEnvironmentFits(model);
  await checkModelConfiguration(platform, model);
  await platform.store.transaction(async (store) => {
    await projectFor(store, actor, model.projectId);
    await orNameTaken(model, () => store.insert('Model', [model]));
  });
  return model;
}

/** @throws EntityNotFound */
export function getModel(platform: Platform, actor: Actor, id: string): Promise<Model> {
  return modelFor(platform.store, actor, id);
}

/** Answers an envelope (docs/WIRE.md, Envelope) within what the actor may see. @throws InvalidFilter, InvalidInput */
export function queryModels(platform: Platform, actor: Actor, envelope: unknown): Promise<Page<Model>> {
  return queryByEnvelope(platform, 'Model', envelope, scopeOf(actor));
}

const { name, description, inputType, outputType, codebase, configuration } = modelSchema.shape;
const modelPatchSchema = z.object({
  name: z.nullish(name),
  description: z.nullish(description),
  tags: z.nullish(tagListSchema),
  global: z.nullish(z.boolean()),
  inputType: z.nullish(inputType),
  outputType: z.nullish(outputType),
  entryPoint: z.nullish(entryPointSchema),
  className: z.nullish(classNameSchema),
  codebase: z.nullish(codebase),
  configuration: z.nullish(configuration),
  /** Null removes it. */
  environment: z.nullish(adapterEnvironmentSchema),
});
export type ModelPatch = z.output<typeof modelPatchSchema>;

/**
 * Takes what may change from a whole model; the rest of it is noise. A change of what a run reads (codebase, entry
 * point, class, configuration, environment) makes the next version; the earlier one stays among the revisions.
 * @throws EntityNotFound, InvalidInput, ModelNameTaken (code `Conflict`)
 */
export async function updateModel(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Model> {
  const patch = parse(modelPatchSchema, input, 'update of a model');
  if (patch.codebase) await assertNoPrivateCodebase(platform.config, patch.codebase);
  return platform.store.transaction(async (store) => {
    const current = await modelFor(store, actor, id);
    const next = nextVersion(current, applied(current, patch), isoTime(platform.clock));
    if (next === current) return current;
    assertEnvironmentFits(next);
    if (codeOf(next) !== codeOf(current)) await checkModelConfiguration(platform, next);
    return orNameTaken(next, () => store.update('Model', id, () => next));
  });
}

/**
 * Deletes a model and, as rows, its snapshots with their metrics. Files in their buckets are left alone.
 * @throws EntityNotFound; SnapshotInUse while a run writes one of them
 */
export async function deleteModel(platform: Platform, actor: Actor, id: string): Promise<void> {
  await platform.store.transaction(async (store) => {
    await modelFor(store, actor, id);
    const snapshots = await snapshotsOfModel(store, id);
    for (const snapshot of snapshots) await assertNotInUse({ store }, snapshot);
    await removeSnapshots({ platform, actor }, store, snapshots);
    await store.delete('Model', [id]);
  });
}

/** Versions of a model, oldest first; the present one is last. At most 101 are kept. @throws EntityNotFound */
export async function modelRevisions(platform: Platform, actor: Actor, id: string): Promise<ModelRevision[]> {
  const model = await modelFor(platform.store, actor, id);
  return [...(model.revisions ?? []), revisionOf(model)];
}

function applied(current: Model, patch: ModelPatch): Model {
  return {
    ...current,
    name: patch.name ?? current.name,
    description: patch.description === undefined ? current.description : patch.description,
    tags: patch.tags ?? current.tags,
    global: patch.global ?? current.global,
    inputType: patch.inputType === undefined ? current.inputType : patch.inputType,
    outputType: patch.outputType === undefined ? current.outputType : patch.outputType,
    entryPoint: patch.entryPoint ?? current.entryPoint,
    className: patch.className ?? current.className,
    codebase: patch.codebase ?? current.codebase,
    configuration: patch.configuration ?? current.configuration,
    environment: patch.environment === undefined ? current.environment : (patch.environment ?? undefined),
  };
}

/** Variables and packages belong to a process: an adapter in JavaScript shares its process with others. @throws InvalidInput */
function assertEnvironmentFits({ entryPoint, environment }: Model): void {
  if (environment === undefined || entryPoint.endsWith('.py')) return;
  const problem = `is for adapters in Python, and the entry point is ${JSON.stringify(entryPoint)}; leave it out`;
  throw new InvalidInput('model', [{ field: 'environment', problem }]);
}

/** `current` itself when nothing changed. */
function nextVersion(current: Model, changed: Model, now: string): Model {
  if (canonicalJson(changed) === canonicalJson(current)) return current;
  const next = { ...changed, updatedAt: now };
  if (codeOf(next) === codeOf(current)) return next;
  const revisions = [...(current.revisions ?? []), revisionOf(current)].slice(-MAX_REVISIONS);
  return { ...next, version: afterVersion(current.version), revisions };
}

function codeOf({ codebase, entryPoint, className, configuration, environment = {} }: Model): string {
  return canonicalJson([codebase, entryPoint, className, configuration, environment]);
}

function revisionOf(model: Model): ModelRevision {
  const { version, codebase, entryPoint, className, configuration, environment, updatedAt } = model;
  return {
    version,
    codebase,
    entryPoint,
    className,
    configuration,
    ...(environment && { environment }),
    updatedAt,
  };
}

/** The store keeps names unique, whoever writes at the same time. */
async function orNameTaken<T>({ name, projectId }: Model, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw hasCode(error, 'Conflict') ? new ModelNameTaken(name, projectId, error) : error;
  }
}
