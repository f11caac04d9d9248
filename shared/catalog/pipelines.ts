import * as z from 'zod/mini';
import { type Actor, maySee, scopeOf } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { jsonObjectSchema, textSchema } from '../entities/fields.ts';
import {
  graphSchema,
  newPipelineSchema,
  type Pipeline,
  type PipelineExecution,
  type PipelineGraph,
} from '../entities/pipeline.ts';
import { type InputProblem, InvalidInput } from '../errors.ts';
import { canonicalJson, type JsonObject, mergePatch } from '../json.ts';
import { nearest } from '../nearest.ts';
import { parse } from '../parse.ts';
import { PipelineInvalid } from '../pipelines/errors.ts';
import { isServiceNode, type PortsOf, portsWithServices } from '../pipelines/node-ports.ts';
import { type FreeInput, freeInputs, problemsOf } from '../pipelines/validate-graph.ts';
import type { Platform } from '../platform.ts';
import { moduleOf, revisionAt } from '../services/service-function.ts';
import type { EntityStore, Page } from '../store/entity-store.ts';
import { EntityNotFound } from '../store/errors.ts';
import { projectFor } from './access.ts';
import { listMatches } from './all-matches.ts';
import { givenFields } from './given-fields.ts';
import { queryByEnvelope } from './query-by-envelope.ts';

/**
 * An empty graph is a pipeline about to be drawn; any other is checked whole.
 * @throws InvalidInput, PipelineInvalid, EntityNotFound for the project, Conflict for a name that is taken
 */
export async function createPipeline(platform: Platform, actor: Actor, input: unknown): Promise<Pipeline> {
  const fields = parse(newPipelineSchema, givenFields(input), 'pipeline');
  const now = isoTime(platform.clock);
  const pipeline: Pipeline = {
    id: platform.ids.objectId(),
    ...fields,
    revision: 1,
    creator: actor.email,
    createdAt: now,
    updatedAt: now,
  };
  await platform.store.transaction(async (store) => {
    await projectFor(store, actor, pipeline.projectId);
    await assertRunnable(store, pipeline.projectId, pipeline);
    await store.insert('Pipeline', [pipeline]);
  });
  return pipeline;
}

/** @throws EntityNotFound */
export function getPipeline(platform: Platform, actor: Actor, id: string): Promise<Pipeline> {
  return pipelineFor(platform.store, actor, id);
}

/** @throws InvalidFilter, InvalidInput */
export function queryPipelines(platform: Platform, actor: Actor, envelope: unknown): Promise<Page<Pipeline>> {
  return queryByEnvelope(platform, 'Pipeline', envelope, scopeOf(actor));
}

/** @throws InvalidFilter, InvalidInput */
export function queryPipelineExecutions(
  platform: Platform,
  actor: Actor,
  envelope: unknown,
): Promise<Page<PipelineExecution>> {
  return queryByEnvelope(platform, 'PipelineExecution', envelope, scopeOf(actor));
}

const patchSchema = z.object({
  name: z.nullish(newPipelineSchema.shape.name),
  description: z.nullish(textSchema),
  preview: z.optional(newPipelineSchema.shape.preview),
  nodes: z.nullish(graphSchema.shape.nodes),
  connections: z.nullish(graphSchema.shape.connections),
  startNodes: z.nullish(graphSchema.shape.startNodes),
});

/**
 * Takes what is drawn and the words about it; the rest is noise. A client that read a pipeline sends of a node's metadata
 * the position alone: what else is there stays. Runs under way go on with the graph they began with.
 * @throws EntityNotFound, InvalidInput, PipelineInvalid, Conflict
 */
export async function updatePipeline(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Pipeline> {
  const patch = parse(patchSchema, input, 'update of a pipeline');
  return platform.store.transaction(async (store) => {
    const current = await pipelineFor(store, actor, id);
    const graph = mergedGraph(current, patch);
    const next: Pipeline = {
      ...current,
      ...graph,
      name: patch.name ?? current.name,
      description: patch.description ?? current.description,
      preview: patch.preview ?? current.preview,
    };
    if (canonicalJson(next) === canonicalJson(current)) return current;
    await assertRunnable(store, current.projectId, graph);
    const isRedrawn = canonicalJson(graph) !== canonicalJson(graphOf(current));
    return store.update('Pipeline', id, () => ({
      ...next,
      revision: current.revision + (isRedrawn ? 1 : 0),
      updatedAt: isoTime(platform.clock),
    }));
  });
}

/** Deletes a pipeline; its runs stay on record, and those under way go on. @throws EntityNotFound */
export async function deletePipeline(platform: Platform, actor: Actor, id: string): Promise<void> {
  await platform.store.transaction(async (store) => {
    await pipelineFor(store, actor, id);
    await store.delete('Pipeline', [id]);
  });
}

/**
 * Records a run. The server or the relay begins it; with `runner`, the command that holds that lease. Under an id that has
 * one already nothing is recorded.
 * @throws EntityNotFound; InvalidInput for a missing or unknown input; PipelineInvalid for an empty pipeline
 */
export async function executePipeline(
  platform: Pick<Platform, 'store' | 'clock' | 'ids'>,
  actor: Actor,
  pipelineId: string,
  input: unknown,
  id: string = platform.ids.objectId(),
  runner: PipelineExecution['runner'] = null,
): Promise<PipelineExecution> {
  const call = parse(executeSchema, input ?? {}, 'execution of a pipeline');
  return platform.store.transaction(async (store) => {
    const known = await store.get('PipelineExecution', id);
    if (known) return known;
    const pipeline = await pipelineFor(store, actor, pipelineId);
    const graph = graphOf(pipeline);
    if (graph.nodes.length === 0)
      throw new PipelineInvalid([{ field: 'nodes', problem: `${pipeline.name} has none yet` }]);
    const portsOf = await assertRunnable(store, pipeline.projectId, graph);
    assertInputs(graph, portsOf, call.input);
    const now = isoTime(platform.clock);
    const execution: PipelineExecution = {
      id,
      pipelineId,
      pipelineRevision: pipeline.revision,
      projectId: pipeline.projectId,
      graph,
      input: call.input,
      status: 'created',
      nodes: Object.fromEntries(graph.nodes.map(({ id }) => [id, { status: 'created', executionIds: [] }])),
      error: null,
      ...(runner && { runner }),
      creator: actor.email,
      createdAt: now,
      updatedAt: now,
    };
    await store.insert('PipelineExecution', [execution]);
    return execution;
  });
}

const executeSchema = z.object({ input: z._default(jsonObjectSchema, {}) });

/** @throws EntityNotFound, also for a run of another pipeline */
export async function getPipelineExecution(
  platform: Platform,
  actor: Actor,
  pipelineId: string,
  id: string,
): Promise<PipelineExecution> {
  const execution = await platform.store.get('PipelineExecution', id);
  if (execution && execution.pipelineId === pipelineId && maySee(actor, execution.projectId))
    return execution;
  throw notFound('PipelineExecution', id);
}

/** @throws EntityNotFound for one that the actor may not see */
export async function pipelineFor(store: EntityStore, actor: Actor, id: string): Promise<Pipeline> {
  const pipeline = await store.get('Pipeline', id);
  if (pipeline && maySee(actor, pipeline.projectId)) return pipeline;
  throw notFound('Pipeline', id);
}

function notFound(kind: 'Pipeline' | 'PipelineExecution', id: string): EntityNotFound {
  return new EntityNotFound({
    kind,
    reference: JSON.stringify(id.slice(0, 128)),
    advice: 'It was deleted, or it belongs to a project that you are not a member of.',
  });
}

function graphOf({ nodes, connections, startNodes }: PipelineGraph): PipelineGraph {
  return { nodes, connections, startNodes };
}

function mergedGraph(current: Pipeline, patch: z.output<typeof patchSchema>): PipelineGraph {
  const before = new Map(current.nodes.map((node) => [node.id, node.metadata]));
  const nodes = patch.nodes?.map((node) => ({
    ...node,
    metadata: mergePatch(before.get(node.id) ?? {}, node.metadata),
  }));
  return {
    nodes: nodes ?? current.nodes,
    connections: patch.connections ?? current.connections,
    startNodes: patch.startNodes ?? current.startNodes,
  };
}

/** Refuses what could never run when it is drawn, not when it runs: the graph, and snapshots of other projects or none. */
async function assertRunnable(store: EntityStore, projectId: string, graph: PipelineGraph): Promise<PortsOf> {
  const portsOf = await portsIn(store, projectId, graph);
  const problems = problemsOf(graphOf(graph), portsOf);
  const bound = graph.nodes.flatMap(({ id, config }) =>
    typeof config?.snapshotId === 'string' ? [{ nodeId: id, snapshotId: config.snapshotId }] : [],
  );
  const found = await store.getMany('Snapshot', [...new Set(bound.map(({ snapshotId }) => snapshotId))]);
  const known = new Set(
    found.filter(({ entity }) => entity.projectId === projectId).map(({ entity }) => entity.id),
  );
  const absent: InputProblem[] = bound
    .filter(({ snapshotId }) => !known.has(snapshotId))
    .map(({ nodeId, snapshotId }) => ({
      field: `nodes.${nodeId}.config.snapshotId`,
      problem: `there is no snapshot ${snapshotId} in the pipeline's project`,
    }));
  if (problems.length + absent.length > 0) throw new PipelineInvalid([...problems, ...absent]);
  return portsOf;
}

/** What the nodes take and answer, those of the project's services among them. */
async function portsIn(store: EntityStore, projectId: string, { nodes }: PipelineGraph): Promise<PortsOf> {
  const names = nodes.filter(isServiceNode).map(({ namespace }) => namespace.serviceName ?? '');
  const services = await listMatches(store, 'Service', {
    filter: { name: { $in: [...new Set(names)] } },
    scope: { projectIds: [projectId] },
  });
  const packages = await store.getMany('Package', [...new Set(services.map(({ packageId }) => packageId))]);
  const byId = new Map(packages.map(({ entity }) => [entity.id, entity]));
  return portsWithServices(
    new Map(
      services.map(({ name, packageId, packageRevision, moduleName }) => {
        const pkg = byId.get(packageId);
        const revision = pkg && revisionAt(pkg, packageRevision);
        return [name, (revision && moduleOf(revision, moduleName)?.functions) ?? []];
      }),
    ),
  );
}

function assertInputs(graph: PipelineGraph, portsOf: PortsOf, input: JsonObject): void {
  const free = freeInputs(graph);
  const missing = free.filter((port) => input[port.name] === undefined && isRequired(graph, portsOf, port));
  const ports = new Set(graph.nodes.flatMap(({ inputs }) => inputs.map(({ name }) => name)));
  const problems: InputProblem[] = missing.map(({ nodeId, name, type }) => ({
    field: `input.${name}`,
    problem: `is missing; node ${nodeId} takes a ${type}`,
  }));
  for (const name of Object.keys(input))
    if (!ports.has(name))
      problems.push({
        field: `input.${name}`,
        problem: `is no input of this pipeline; the nearest is ${nearest(name, [...ports]) ?? 'none, it takes none'}`,
      });
  if (problems.length > 0) throw new InvalidInput('execution of a pipeline', problems);
}

function isRequired(graph: PipelineGraph, portsOf: PortsOf, { nodeId, name }: FreeInput): boolean {
  const ports = portsOf(graph.nodes.find(({ id }) => id === nodeId)!);
  return typeof ports !== 'string' && ports.inputs[name]?.required === true;
}
