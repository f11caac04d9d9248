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
import {
  abandonPipelines,
  claimPipeline,
  holdPipeline,
  runnerLease,
} from '../../shared/pipelines/runner-lease.ts';
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
  withExamples(
    pipelines
      .command('resume')
      .description(
        'Continue a run that failed or whose command was killed; nodes that ended are not run again.',
      )
      .argument('<run>', "the run's id")
      .action(onSession(io, resume)),
    'modelfn pipelines resume 61f8245d0f6f7a1100000040',
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
  await abandonPipelines(platform);
  const holder = platform.ids.uuid();
  const runner = await runnerLease(platform, holder);
  const id = platform.ids.objectId();
  const created = await executePipeline(platform, actor, pipeline.id, { input: input ?? {} }, id, runner);
  return runHere(session, created, holder);
}

async function resume(session: Session, id: string): Promise<Answer> {
  const { platform, actor } = session;
  const found = await platform.store.get('PipelineExecution', id);
  if (!found)
    throw new EntityNotFound({
      kind: 'PipelineExecution',
      reference: JSON.stringify(id.slice(0, 128)),
      advice: 'The id is in the error of the run, and in its JSON output.',
    });
  await getPipeline(platform, actor, found.pipelineId);
  const holder = platform.ids.uuid();
  return runHere(session, await claimPipeline(platform, id, holder), holder);
}

/** Runs in this process. A run that is interrupted has ended: no server goes on with it. */
async function runHere(session: Session, begun: PipelineExecution, holder: string): Promise<Answer> {
  const { platform, io } = session;
  const { id } = begun;
  const hosts = new Map<string, ReturnType<Session['openFunction']>>();
  const claim = holdPipeline(platform, id, holder);
  try {
    const ended = await runPipeline(platform, begun, {
      signal: io.interrupted,
      wait: async (milliseconds) =>
        void (await pause(milliseconds, undefined, { signal: io.interrupted }).catch(() => undefined)),
      invoke: async (name, payload) => {
        const opening = hosts.get(name) ?? session.openFunction(name);
        hosts.set(name, opening);
        return (await (await opening).invoke(name, payload, { timeoutMs: undefined })) as Json;
      },
    });
    if (!io.interrupted.aborted) return answerOf(ended);
  } finally {
    await claim.end();
  }
  const cancelled = new Cancelled(`the pipeline run ${id}`, io.interrupted.reason);
  await platform.store.update('PipelineExecution', id, (current) =>
    current.status === 'success'
      ? current
      : { ...current, status: 'failed', error: cancelled.toJSON(), runner: null },
  );
  throw cancelled;
}

function answerOf(ended: PipelineExecution): Answer {
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
      isFailed
        ? `${ended.error!.message}\nContinue it with: modelfn pipelines resume ${ended.id}`
        : `The pipeline ended (${ended.id}).`,
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

function runToJson({ graph: _graph, runner: _runner, ...execution }: PipelineExecution): JsonObject {
  return { ...execution } as unknown as JsonObject;
}
