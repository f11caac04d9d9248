import { listMatches } from '../../../shared/catalog/all-matches.ts';
import { createModel, deleteModel, modelRevisions } from '../../../shared/catalog/models.ts';
import type { Model } from '../../../shared/entities/model.ts';
import type { Json, JsonObject } from '../../../shared/json.ts';
import type { Answer } from '../../command.ts';
import { confirm } from '../../confirm.ts';
import { WrongUsage } from '../../errors.ts';
import { jsonObjectOption } from '../../options.ts';
import { fields, table } from '../../output/table.ts';
import { countText } from '../../output/units.ts';
import { childrenQuery, find } from '../../references.ts';
import type { Session } from '../../session.ts';
import { builtInFields } from './built-in.ts';
import { type EnvironmentOptions, environmentOption } from './environment.ts';

interface CreateOptions extends EnvironmentOptions {
  project: string;
  adapter?: string;
  entryPoint?: string;
  className?: string;
  configuration?: string;
  description?: string;
}

export async function createOne(session: Session, name: string, options: CreateOptions): Promise<Answer> {
  const { adapter, entryPoint, className, description } = options;
  if (adapter !== undefined && (entryPoint !== undefined || className !== undefined))
    throw new WrongUsage('Give either --adapter, or --entry-point and --class-name for code of your own.');
  const configuration = await jsonObjectOption(session.io, '--configuration', options.configuration);
  const environment = await environmentOption(session.io, options, undefined);
  const project = await find(session, 'Project', options.project);
  const model = await createModel(session.platform, session.actor, {
    name,
    projectId: project.id,
    ...(adapter !== undefined && (await builtInFields(adapter))),
    ...(entryPoint !== undefined && { entryPoint }),
    ...(className !== undefined && { className }),
    ...(configuration && { configuration }),
    ...(environment && { environment }),
    ...(description !== undefined && { description }),
  });
  const text = `Created model ${model.name} (${model.id}) in project ${project.name}.`;
  const isWithoutCode = adapter === undefined && entryPoint === undefined;
  const next = isWithoutCode ? `\nGive it code with: modelfn models push ${model.name} <folder>` : '';
  return { json: modelToWire(model), text: `${text}${next}` };
}

export async function listAll(session: Session, options: { project?: string }): Promise<Answer> {
  const project = options.project === undefined ? undefined : await find(session, 'Project', options.project);
  const models = await listMatches(
    session.platform.store,
    'Model',
    childrenQuery(session, 'Model', project?.id),
  );
  const rows = models.map(({ name, id, version, entryPoint, className }) => [
    name,
    id,
    version,
    entryPoint,
    className,
  ]);
  const empty =
    'No models yet. Make one with: modelfn models create <name> --project <project> --adapter svm';
  return {
    json: models.map(modelToWire),
    text: table(['NAME', 'ID', 'VERSION', 'ENTRY POINT', 'CLASS'], rows, empty),
  };
}

export async function showOne(session: Session, reference: string): Promise<Answer> {
  const { platform, actor } = session;
  const model = await find(session, 'Model', reference);
  const revisions = await modelRevisions(platform, actor, model.id);
  const snapshots = await listMatches(
    platform.store,
    'Snapshot',
    childrenQuery(session, 'Snapshot', model.id),
  );
  return {
    json: {
      ...modelToWire(model),
      revisions,
      snapshots: snapshots.map(({ id, name }) => ({ id, name })),
    } as Json,
    text: fields([
      ['name', model.name],
      ['id', model.id],
      ['version', model.version],
      ['versions', revisions.map(({ version }) => version).join(', ')],
      ['input', model.inputType],
      ['output', model.outputType],
      ['entry point', model.entryPoint],
      ['class', model.className],
      ['code', JSON.stringify(model.codebase)],
      ['configuration', JSON.stringify(model.configuration)],
      ['environment', model.environment && JSON.stringify(model.environment)],
      ['snapshots', snapshots.map(({ name }) => name).join(', ')],
      ['description', model.description],
    ]),
  };
}

export async function remove(
  session: Session,
  reference: string,
  options: { yes?: boolean },
): Promise<Answer> {
  const { platform, actor } = session;
  const model = await find(session, 'Model', reference);
  const count = await platform.store.count('Snapshot', childrenQuery(session, 'Snapshot', model.id));
  await confirm(session, `delete model ${model.name} with ${countText(count, 'snapshot')}`, options.yes);
  await deleteModel(platform, actor, model.id);
  return { json: { id: model.id, deleted: true }, text: `Deleted model ${model.name}.` };
}

/** The versions before are told by `show` alone. */
export function modelToWire({ revisions: _revisions, ...shown }: Model): JsonObject {
  return shown as JsonObject;
}
