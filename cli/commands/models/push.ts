import { pushModelCode } from '../../../shared/catalog/codebase-push.ts';
import { createModel, updateModel } from '../../../shared/catalog/models.ts';
import { adapterEnvironmentSchema } from '../../../shared/entities/adapter-environment.ts';
import type { Model } from '../../../shared/entities/model.ts';
import { hasCode } from '../../../shared/errors.ts';
import { parse } from '../../../shared/parse.ts';
import type { Answer } from '../../command.ts';
import { jsonObjectOption } from '../../options.ts';
import { sizeText } from '../../output/units.ts';
import { type ReadAdapter, readAdapter } from '../../read-adapter.ts';
import { find } from '../../references.ts';
import type { Session } from '../../session.ts';
import { modelToWire } from './entities.ts';
import { type EnvironmentOptions, environmentOption } from './environment.ts';

interface PushOptions extends EnvironmentOptions {
  class?: string;
  entryPoint?: string;
  project?: string;
  configuration?: string;
}

/** Takes an adapter's code and makes it the code of a model, which it creates when it is missing and `--project` says where. */
export async function push(
  session: Session,
  reference: string,
  path: string,
  options: PushOptions,
): Promise<Answer> {
  const { platform, actor, io } = session;
  const configuration = await jsonObjectOption(io, '--configuration', options.configuration);
  const present = await findModel(session, reference, options.project);
  const given = await environmentOption(io, options, present?.environment);
  const environment = given && parse(adapterEnvironmentSchema, given, 'environment');
  const adapter = await readAdapter(session, session.path(path), {
    className: options.class,
    entryPoint: options.entryPoint,
    environment: environment ?? present?.environment,
  });
  const { className, archive, sizeBytes, entryPoint } = adapter;
  const target = present ?? (await create(session, reference, adapter, options.project!));
  const code = { modelId: target.id, archive, entryPoint, className };
  const { codebase } = await pushModelCode(platform, actor, code);
  const { inputType, outputType } = adapter.adapterClass;
  const model = await updateModel(platform, actor, target.id, {
    ...(inputType != null && { inputType }),
    ...(outputType != null && { outputType }),
    ...(configuration && { configuration }),
    ...(environment && { environment }),
  });
  const done = codebase.reused
    ? 'The same code was there already'
    : `Pushed code version ${codebase.version}`;
  return {
    json: { model: modelToWire(model), codebase: { ...codebase }, created: present === undefined, sizeBytes },
    text: [
      ...(present === undefined ? [`Created model ${model.name} (${model.id}).`] : []),
      `${done}: ${className}, ${sizeText(sizeBytes)}. Model ${model.name} is at version ${model.version}.`,
    ].join('\n'),
  };
}

/** `undefined` when it is missing and may be created. @throws EntityNotFound without a project */
async function findModel(
  session: Session,
  reference: string,
  projectReference: string | undefined,
): Promise<Model | undefined> {
  if (projectReference === undefined) return find(session, 'Model', reference);
  const project = await find(session, 'Project', projectReference);
  const byId = await session.platform.store.get('Model', reference);
  if (byId?.projectId === project.id) return byId;
  try {
    return await find(session, 'Model', `${project.id}/${reference}`);
  } catch (error) {
    if (hasCode(error, 'EntityNotFound')) return undefined;
    throw error;
  }
}

async function create(
  session: Session,
  name: string,
  { className, entryPoint }: ReadAdapter,
  projectReference: string,
): Promise<Model> {
  const project = await find(session, 'Project', projectReference);
  const model = { name, projectId: project.id, entryPoint, className };
  return createModel(session.platform, session.actor, model);
}
