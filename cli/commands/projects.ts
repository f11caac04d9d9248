import type { Command } from 'commander';
import { listMatches } from '../../shared/catalog/all-matches.ts';
import { listDatasets } from '../../shared/catalog/datasets.ts';
import { createProject, deleteProject, listProjects } from '../../shared/catalog/projects.ts';
import type { Project } from '../../shared/entities/project.ts';
import type { JsonObject } from '../../shared/json.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { CliIo } from '../io.ts';
import { fields, table } from '../output/table.ts';
import { countText } from '../output/units.ts';
import { find } from '../references.ts';
import type { Session } from '../session.ts';

/** `modelfn projects`. */
export function registerProjects(program: Command, io: CliIo): void {
  const projects = program.command('projects').description('Projects: what everything else belongs to.');
  withExamples(
    projects
      .command('create')
      .description('Create a project.')
      .argument('<name>', 'its name')
      .action(onSession(io, create)),
    'modelfn projects create demo',
  );
  withExamples(
    projects.command('list').description('List all projects.').action(onSession(io, list)),
    'modelfn projects list --json',
  );
  withExamples(
    projects
      .command('show')
      .description('Show a project and what is in it.')
      .argument('<project>', 'id or name')
      .action(onSession(io, show)),
    'modelfn projects show demo',
  );
  withExamples(
    projects
      .command('delete')
      .description('Delete a project with all that is in it.')
      .argument('<project>', 'id or name')
      .option('-y, --yes', 'do not ask')
      .action(onSession(io, remove)),
    'modelfn projects delete demo --yes',
  );
}

async function create({ platform, actor }: Session, name: string): Promise<Answer> {
  const project = await createProject(platform, actor, { name });
  return { json: toJson(project), text: `Created project ${project.name} (${project.id}).` };
}

async function list({ platform, actor }: Session): Promise<Answer> {
  const projects = await listProjects(platform, actor);
  const rows = projects.map(({ name, id, createdAt }) => [name, id, createdAt]);
  const empty = 'No projects yet. Make one with: modelfn projects create <name>';
  return { json: projects.map(toJson), text: table(['NAME', 'ID', 'CREATED'], rows, empty) };
}

async function show(session: Session, reference: string): Promise<Answer> {
  const { platform, actor } = session;
  const project = await find(session, 'Project', reference);
  const datasets = await listDatasets(platform, actor, { projectId: project.id });
  const models = await listMatches(platform.store, 'Model', { scope: { projectIds: [project.id] } });
  const names = (entities: readonly { name: string }[]) => entities.map(({ name }) => name).join(', ');
  return {
    json: {
      ...toJson(project),
      datasets: datasets.map(({ id, name }) => ({ id, name })),
      models: models.map(({ id, name }) => ({ id, name })),
    },
    text: fields([
      ['name', project.name],
      ['id', project.id],
      ['created', project.createdAt],
      ['datasets', names(datasets)],
      ['models', names(models)],
    ]),
  };
}

async function remove(session: Session, reference: string, options: { yes?: boolean }): Promise<Answer> {
  const { platform, actor } = session;
  const project = await find(session, 'Project', reference);
  const datasets = await listDatasets(platform, actor, { projectId: project.id });
  const what = `delete project ${project.name} with ${countText(datasets.length, 'dataset')} and all its models and snapshots`;
  await confirm(session, what, options.yes);
  await deleteProject(platform, actor, project.id);
  return { json: { id: project.id, deleted: true }, text: `Deleted project ${project.name}.` };
}

/** Without the bots, which are the deployment's of Dataloop's client. */
function toJson({ bots: _bots, ...project }: Project): JsonObject {
  return project;
}
