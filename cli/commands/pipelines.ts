import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { scopeOf } from '../../shared/auth/actor.ts';
import {
  createPipeline,
  executePipeline,
  getPipeline,
  updatePipeline,
} from '../../shared/catalog/pipelines.ts';
import type { Pipeline, PipelineExecution } from '../../shared/entities/pipeline.ts';
import { Cancelled, InvalidInput, messageOf } from '../../shared/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../shared/json.ts';
import { compileGraph } from '../../shared/pipelines/compile-graph.ts';
import { runPipeline } from '../../shared/pipelines/run-pipeline.ts';
import { freeInputs } from '../../shared/pipelines/validate-graph.ts';
import { EntityNotFound } from '../../shared/store/errors.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { jsonObjectOption } from '../options.ts';
import { fields, table } from '../output/table.ts';
import { find } from '../references.ts';
import type { Session } from '../session.ts';

/** `modelfn pipelines`. */
export function registerPipelines(program: Command, io: CliIo): void {
  const pipelines = program
    .command('pipelines')
    .description('Pipelines: functions bound to snapshots, connected by ports.');
  withExamples(
    pipelines
      .command('create')
      .description('Create a pipeline from a JSON file, or redraw the one of that name.')
      .argument('<name>', 'its name')
      .argument('<file>', 'a JSON file with nodes, connections and startNodes')
      .requiredOption('--project <project>', 'the project it belongs to')
      .action(onSession(io, create)),
    'modelfn pipelines create nightly pipeline.json --project demo',
  );
  withExamples(
    pipelines.command('list').description('List pipelines.').action(onSession(io, list)),
    'modelfn pipelines list',
  );
  withExamples(
    pipelines
      .command('show')
      .description('Show a pipeline, or the state machine it becomes.')
      .argument('<pipeline>', 'id or name')
      .option('--asl', 'as Amazon States Language')
      .action(onSession(io, show)),
    'modelfn pipelines show nightly --asl',
  );
  withExamples(
    pipelines
      .command('run')
      .description('Run a pipeline and wait for its end.')
      .argument('<pipeline>', 'id or name')
      .option('--input <json>', 'values of free inputs by name; @file reads a file')
      .action(onSession(io, run)),
    `modelfn pipelines run nightly --input '{"dataset": "61f8245d0f6f7a1100000040"}'`,
  );
}

async function create(
  session: Session,
  name: string,
  path: string,
  options: { project: string },
): Promise<Answer> {
  const { platform, actor } = session;
  const project = await find(session, 'Project', options.project);
  const graph = await readGraph(session.path(path));
  const { items } = await platform.store.query('Pipeline', {
    filter: { name: { $in: [name] } },
    scope: scopeOf(actor, project.id),
  });
  const [known] = items;
  const pipeline = known
    ? await updatePipeline(platform, actor, known.id, graph)
    : await createPipeline(platform, actor, { ...graph, name, projectId: project.id });
  const done = known ? 'Redrew' : 'Created';
  return {
    json: toJson(pipeline),
    text: `${done} pipeline ${pipeline.name} (${pipeline.id}): ${pipeline.nodes.length} nodes.`,
  };
}

async function list({ platform, actor }: Session): Promise<Answer> {
  const { items } = await platform.store.query('Pipeline', { scope: scopeOf(actor) });
  const rows = items.map(({ id, name, nodes, revision, updatedAt }) => [
    id,
    name,
    String(nodes.length),
    String(revision),
    updatedAt,
  ]);
  return {
    json: items.map(toJson),
    text: table(['ID', 'NAME', 'NODES', 'REVISION', 'CHANGED'], rows, 'No pipelines yet.'),
  };
}

async function show(session: Session, reference: string, options: { asl?: boolean }): Promise<Answer> {
  const pipeline = await findPipeline(session, reference);
  if (options.asl) {
    const { projectId, id } = pipeline;
    const machine = compileGraph(pipeline, { projectId, pipelineId: id }) as unknown as JsonObject;
    return { json: machine, text: JSON.stringify(machine, null, 2) };
  }
  const { nodes, connections } = pipeline;
  const free = freeInputs(pipeline).map(({ nodeId, name, type }) => `${name} (${type}, of ${nodeId})`);
  return {
    json: toJson(pipeline),
    text: [
      fields([
        ['id', pipeline.id],
        ['name', pipeline.name],
        ['revision', String(pipeline.revision)],
        ['inputs', free.join(', ') || 'none'],
      ]),
      '',
      table(
        ['NODE', 'FUNCTION', 'FED BY'],
        nodes.map(({ id, namespace }) => [
          id,
          namespace.functionName,
          connections
            .filter(({ tgt }) => tgt.nodeId === id)
            .map(({ src, tgt }) => `${src.nodeId}.${src.portId} -> ${tgt.portId}`)
            .join(', '),
        ]),
        'No nodes yet.',
      ),
    ].join('\n'),
  };
}

async function run(session: Session, reference: string, options: { input?: string }): Promise<Answer> {
  const { platform, actor, io } = session;
  const pipeline = await findPipeline(session, reference);
  const input = await jsonObjectOption(io, '--input', options.input);
  const created = await executePipeline(platform, actor, pipeline.id, { input: input ?? {} });
  const hosts = new Map<string, ReturnType<Session['openFunction']>>();
  const ended = await runPipeline(platform, created, {
    signal: io.interrupted,
    wait: async (milliseconds) =>
      void (await pause(milliseconds, undefined, { signal: io.interrupted }).catch(() => undefined)),
    invoke: async (name, payload) => {
      const opening = hosts.get(name) ?? session.openFunction(name);
      hosts.set(name, opening);
      return (await (await opening).invoke(name, payload, { timeoutMs: undefined })) as Json;
    },
  });
  if (io.interrupted.aborted) throw new Cancelled('the pipeline', io.interrupted.reason);
  const isFailed = ended.status === 'failed';
  return {
    json: runToJson(ended),
    text: [
      table(
        ['NODE', 'STATUS', 'EXECUTION'],
        ended.graph.nodes.map(({ id }) => [
          id,
          ended.nodes[id]?.status ?? 'created',
          ended.nodes[id]?.executionIds.at(-1) ?? '',
        ]),
        '',
      ),
      isFailed ? ended.error!.message : `Pipeline ${pipeline.name} ended (${ended.id}).`,
    ].join('\n'),
    ...(isFailed && { exitCode: EXIT_CODES.refused }),
  };
}

async function findPipeline({ platform, actor }: Session, reference: string): Promise<Pipeline> {
  const { items } = await platform.store.query('Pipeline', {
    filter: { $or: [{ id: { $in: [reference] } }, { name: { $in: [reference] } }] },
    scope: scopeOf(actor),
  });
  const [first] = items;
  if (first && items.length === 1) return getPipeline(platform, actor, first.id);
  throw new EntityNotFound({
    kind: 'Pipeline',
    reference: JSON.stringify(reference.slice(0, 128)),
    advice: first
      ? `${items.length} have that name; take an id: ${items.map(({ id }) => id).join(', ')}.`
      : 'List them with: modelfn pipelines list.',
  });
}

async function readGraph(path: string): Promise<JsonObject> {
  try {
    const graph = JSON.parse(await readFile(path, 'utf8')) as unknown;
    if (isJsonObject(graph)) return graph;
    throw new Error('it is no JSON object');
  } catch (error) {
    throw new InvalidInput('pipeline', [{ field: path, problem: messageOf(error) }], error);
  }
}

function toJson(pipeline: Pipeline): JsonObject {
  return { ...pipeline } as unknown as JsonObject;
}

function runToJson({ graph: _graph, ...execution }: PipelineExecution): JsonObject {
  return { ...execution } as unknown as JsonObject;
}
