import type { Command } from 'commander';
import { listMatches } from '../../shared/catalog/all-matches.ts';
import { pushPackage } from '../../shared/catalog/package-push.ts';
import { deletePackage, packageRevisions } from '../../shared/catalog/packages.ts';
import type { Package } from '../../shared/entities/package.ts';
import type { Json, JsonObject } from '../../shared/json.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { CliIo } from '../io.ts';
import { fields, table } from '../output/table.ts';
import { countText, sizeText } from '../output/units.ts';
import { readPackage } from '../read-package.ts';
import { childrenQuery, find } from '../references.ts';
import type { Session } from '../session.ts';

/** `modelfn packages`. */
export function registerPackages(program: Command, io: CliIo): void {
  const packages = program.command('packages').description('Packages: code with the functions it offers.');
  const verb = (name: string, description: string) => packages.command(name).description(description);
  withExamples(
    verb('push', 'Bundle the functions of a folder and keep them as a package, or as its next version.')
      .argument('<folder>', 'a folder with modelfn.json')
      .requiredOption('--project <project>', 'project it belongs to')
      .action(onSession(io, push)),
    'modelfn packages push ./least-certain --project demo',
  );
  withExamples(
    verb('list', 'List packages.')
      .option('--project <project>', 'only those of one project')
      .action(onSession(io, list)),
    'modelfn packages list --project demo',
  );
  withExamples(
    verb('show', 'Show a package, its functions and its versions.')
      .argument('<package>', 'id or name')
      .action(onSession(io, show)),
    'modelfn packages show least-certain',
  );
  withExamples(
    verb('delete', 'Delete a package that no service runs.')
      .argument('<package>', 'id or name')
      .option('-y, --yes', 'do not ask')
      .action(onSession(io, remove)),
    'modelfn packages delete least-certain --yes',
  );
}

async function push(session: Session, folder: string, options: { project: string }): Promise<Answer> {
  const { platform, actor } = session;
  const project = await find(session, 'Project', options.project);
  const { sizeBytes, ...read } = await readPackage(session.path(folder));
  const {
    package: pushed,
    codebase,
    created,
  } = await pushPackage(platform, actor, {
    ...read,
    projectId: project.id,
  });
  const count = functionsOf(pushed).length;
  const done = codebase.reused
    ? 'The same code was there already'
    : `Pushed code version ${codebase.version}`;
  return {
    json: { package: toJson(pushed), codebase: { ...codebase }, created, sizeBytes },
    text: [
      ...(created ? [`Created package ${pushed.name} (${pushed.id}).`] : []),
      `${done}: ${countText(count, 'function')}, ${sizeText(sizeBytes)}. Package ${pushed.name} is at version ${pushed.version}.`,
      `Deploy it with: modelfn services deploy ${pushed.name}`,
    ].join('\n'),
  };
}

async function list(session: Session, options: { project?: string }): Promise<Answer> {
  const project = options.project === undefined ? undefined : await find(session, 'Project', options.project);
  const query = childrenQuery(session, 'Package', project?.id);
  const packages = await listMatches(session.platform.store, 'Package', query);
  const rows = packages.map((each) => [each.name, each.id, each.version, functionsOf(each).join(', ')]);
  const empty = 'No packages yet. Make one with: modelfn packages push <folder> --project <project>';
  return { json: packages.map(toJson), text: table(['NAME', 'ID', 'VERSION', 'FUNCTIONS'], rows, empty) };
}

async function show(session: Session, reference: string): Promise<Answer> {
  const { platform, actor } = session;
  const found = await find(session, 'Package', reference);
  const revisions = await packageRevisions(platform, actor, found.id);
  const rows = found.modules.flatMap((module) =>
    module.functions.map(({ name, input, output }) => [
      module.name,
      name,
      input.map((each) => `${each.name}: ${each.load ? 'loaded ' : ''}${each.type}`).join(', '),
      output.map((each) => `${each.name}: ${each.type}`).join(', '),
    ]),
  );
  return {
    json: { ...toJson(found), revisions } as Json,
    text: [
      fields([
        ['name', found.name],
        ['id', found.id],
        ['version', found.version],
        ['versions', revisions.map(({ version }) => version).join(', ')],
        ['code', JSON.stringify(found.codebase ?? null)],
      ]),
      '',
      table(['MODULE', 'FUNCTION', 'INPUT', 'OUTPUT'], rows, 'It declares no functions.'),
    ].join('\n'),
  };
}

async function remove(session: Session, reference: string, options: { yes?: boolean }): Promise<Answer> {
  const { platform, actor } = session;
  const { id, name } = await find(session, 'Package', reference);
  await confirm(session, `delete package ${name}`, options.yes);
  await deletePackage(platform, actor, id);
  return { json: { id, deleted: true }, text: `Deleted package ${name}.` };
}

function functionsOf({ modules }: Package): string[] {
  return modules.flatMap(({ functions }) => functions.map(({ name }) => name));
}

/** The versions before are told by `show` alone. */
function toJson({ revisions: _revisions, ...shown }: Package): JsonObject {
  return shown as JsonObject;
}
