import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { listMatches } from '../../shared/catalog/all-matches.ts';
import { calledFunction } from '../../shared/catalog/called-function.ts';
import { assertCallable } from '../../shared/catalog/execution-requests.ts';
import { queryServiceLogs } from '../../shared/catalog/service-logs.ts';
import {
  createService,
  deleteService,
  serviceRevisions,
  serviceStatus,
  setServiceActive,
  updateService,
} from '../../shared/catalog/services.ts';
import type { Service } from '../../shared/entities/service.ts';
import type { Json, JsonObject } from '../../shared/json.ts';
import { revisionAt } from '../../shared/services/service-function.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { CliIo } from '../io.ts';
import { jsonObjectOption, wholeOption } from '../options.ts';
import { fields, table, visible } from '../output/table.ts';
import { childrenQuery, find } from '../references.ts';
import { runFunction } from '../run-function.ts';
import type { Session } from '../session.ts';

const LOOK_EVERY_MS = 300;

/** `modelfn services`. */
export function registerServices(program: Command, io: CliIo): void {
  const services = program
    .command('services')
    .description('Services: packages that are deployed, so that their functions can be called.');
  const verb = (name: string, description: string) => services.command(name).description(description);
  withExamples(
    verb('deploy', 'Deploy a package as a service, or its present version to the service of that name.')
      .argument('<package>', 'id or name')
      .option('--name <name>', "the service's name; the package's unless given")
      .option('--module <name>', 'which of the modules; needed where there are several')
      .option('--package-version <version>', 'a version of the package; the present one unless given')
      .option('--init <json>', 'values of the init inputs by name, or @file')
      .option('--timeout <seconds>', 'how long one attempt of a run may take', wholeOption)
      .option('--attempts <count>', 'how often a run is tried', wholeOption)
      .action(onSession(io, deploy)),
    'modelfn services deploy least-certain',
    `modelfn services deploy least-certain --name nightly --timeout 600 --attempts 2`,
  );
  withExamples(
    verb('list', 'List services.')
      .option('--project <project>', 'only those of one project')
      .action(onSession(io, list)),
    'modelfn services list',
  );
  withExamples(
    verb('show', 'Show a service and its versions.')
      .argument('<service>', 'id or name')
      .action(onSession(io, show)),
    'modelfn services show least-certain',
  );
  withExamples(
    verb('call', 'Call a function of a service and wait for its end.')
      .argument('<service>', 'id or name')
      .argument('<function>', 'name of the function')
      .option('--inputs <json>', 'its inputs by name, or @file; ids stand for entities')
      .action(onSession(io, call)),
    `modelfn services call least-certain pick --inputs '{"dataset": {"name": "digits"}, "count": 20}'`,
  );
  for (const [name, active, description] of [
    ['stop', false, 'Stop a service: its calls are refused, its triggers pass. Runs under way end.'],
    ['resume', true, 'Have a stopped service run again.'],
  ] as const)
    withExamples(
      verb(name, description)
        .argument('<service>', 'id or name')
        .action(onSession(io, (session: Session, reference: string) => switchTo(session, reference, active))),
      `modelfn services ${name} least-certain`,
    );
  withExamples(
    verb('logs', 'Show what the newest runs of a service logged.')
      .argument('<service>', 'id or name')
      .option('--function <name>', 'only runs of one function')
      .option('--follow', 'go on until no run goes on')
      .action(onSession(io, logs)),
    'modelfn services logs least-certain --follow',
  );
  withExamples(
    verb('delete', 'Delete a service that no trigger and no pipeline calls.')
      .argument('<service>', 'id or name')
      .option('-y, --yes', 'do not ask')
      .action(onSession(io, remove)),
    'modelfn services delete least-certain --yes',
  );
}

interface DeployOptions {
  name?: string;
  module?: string;
  packageVersion?: string;
  init?: string;
  timeout?: number;
  attempts?: number;
}

async function deploy(session: Session, reference: string, options: DeployOptions): Promise<Answer> {
  const { platform, actor, io } = session;
  const initParams = await jsonObjectOption(io, '--init', options.init);
  const pkg = await find(session, 'Package', reference);
  const name = options.name ?? pkg.name;
  const settings = {
    packageId: pkg.id,
    packageRevision: options.packageVersion ?? pkg.version,
    ...(options.module !== undefined && { moduleName: options.module }),
    ...(initParams && { initParams }),
    ...(options.timeout !== undefined && { executionTimeout: options.timeout }),
    ...(options.attempts !== undefined && { maxAttempts: options.attempts }),
  };
  const [known] = await listMatches(platform.store, 'Service', {
    filter: { name: { $in: [name] } },
    scope: { projectIds: [pkg.projectId] },
  });
  const service = known
    ? await updateService(platform, actor, known.id, settings)
    : await createService(platform, actor, { ...settings, name, projectId: pkg.projectId });
  const done = known ? 'Updated' : 'Deployed';
  return {
    json: toJson(service),
    text: `${done} service ${service.name} (${service.id}), version ${service.version}: package ${pkg.name} ${service.packageRevision}, functions: ${(await functionNames(session, service)).join(', ')}.`,
  };
}

async function list(session: Session, options: { project?: string }): Promise<Answer> {
  const project = options.project === undefined ? undefined : await find(session, 'Project', options.project);
  const query = childrenQuery(session, 'Service', project?.id);
  const services = await listMatches(session.platform.store, 'Service', query);
  const rows = await Promise.all(
    services.map(async (service) => [
      service.name,
      service.id,
      service.version,
      service.active ? 'active' : 'stopped',
      (await functionNames(session, service)).join(', '),
    ]),
  );
  const empty = 'No services yet. Make one with: modelfn services deploy <package>';
  return {
    json: services.map(toJson),
    text: table(['NAME', 'ID', 'VERSION', 'STATUS', 'FUNCTIONS'], rows, empty),
  };
}

async function show(session: Session, reference: string): Promise<Answer> {
  const { platform, actor } = session;
  const service = await find(session, 'Service', reference);
  const revisions = await serviceRevisions(platform, actor, service.id);
  const { status, waiting, running } = await serviceStatus(platform, actor, service.id);
  return {
    json: { ...toJson(service), revisions, waiting, running } as Json,
    text: fields([
      ['name', service.name],
      ['id', service.id],
      ['status', status],
      ['runs', `${running} going on, ${waiting} waiting`],
      ['version', service.version],
      ['versions', revisions.map(({ version }) => version).join(', ')],
      ['package', `${service.packageId} ${service.packageRevision}`],
      ['module', service.moduleName],
      ['functions', (await functionNames(session, service)).join(', ')],
      ['init params', JSON.stringify(service.initParams)],
      ['attempts', String(service.maxAttempts)],
      ['timeout', `${service.executionTimeout} s`],
    ]),
  };
}

async function call(
  session: Session,
  reference: string,
  functionName: string,
  options: { inputs?: string },
): Promise<Answer> {
  const inputs = (await jsonObjectOption(session.io, '--inputs', options.inputs)) ?? {};
  const service = await find(session, 'Service', reference);
  // Refused here, a call leaves no record of a run.
  const named = { functionName, serviceId: service.id };
  const called = await calledFunction(session.platform.store, session.actor, named, 'function');
  assertCallable(called!, service.projectId, inputs);
  const { output, executionId } = await runFunction(session, 'service', inputs, {
    ofService: { id: service.id, functionName },
  });
  return {
    json: { executionId, service: service.id, function: functionName, output },
    text: JSON.stringify(output, null, 2),
  };
}

async function switchTo(session: Session, reference: string, active: boolean): Promise<Answer> {
  const { platform, actor } = session;
  const { id } = await find(session, 'Service', reference);
  const service = await setServiceActive(platform, actor, id, active);
  return { json: toJson(service), text: `Service ${service.name} is ${active ? 'active' : 'stopped'}.` };
}

async function logs(
  session: Session,
  reference: string,
  { follow = false, ...options }: { follow?: boolean; function?: string },
): Promise<Answer> {
  const { platform, actor, io, mode } = session;
  const { id, name } = await find(session, 'Service', reference);
  const streams = follow && !mode.json;
  const all: JsonObject[] = [];
  let checkpoint: JsonObject | number | undefined;
  for (;;) {
    const query = { functionName: options.function ?? null, checkpoint: checkpoint ?? null };
    const part = await queryServiceLogs(platform, actor, id, query);
    all.push(...part.logs.map((line) => ({ ...line })));
    if (streams) for (const line of part.logs) io.stdout.write(`${lineText(line)}\n`);
    if (part.stop || !follow || io.interrupted.aborted) break;
    checkpoint = part.checkpoint;
    await setTimeout(LOOK_EVERY_MS, undefined, { signal: io.interrupted }).catch(() => {});
  }
  const text = all.map((line) => lineText(line as unknown as LoggedLine)).join('\n');
  return { json: all, text: streams ? '' : text || `Service ${name} logged nothing.` };
}

async function remove(session: Session, reference: string, options: { yes?: boolean }): Promise<Answer> {
  const { platform, actor } = session;
  const { id, name } = await find(session, 'Service', reference);
  await confirm(session, `delete service ${name}`, options.yes);
  await deleteService(platform, actor, id);
  return { json: { id, deleted: true }, text: `Deleted service ${name}.` };
}

interface LoggedLine {
  timestamp: string;
  level: string;
  message: string;
  executionId: string;
}

function lineText({ timestamp, level, message, executionId }: LoggedLine): string {
  return `${timestamp} ${level.padEnd(5)} ${executionId} ${visible(message)}`;
}

async function functionNames(
  { platform }: Session,
  { packageId, packageRevision, moduleName }: Service,
): Promise<string[]> {
  const pkg = await platform.store.get('Package', packageId);
  const modules = pkg ? revisionAt(pkg, packageRevision).modules : [];
  return modules.find(({ name }) => name === moduleName)?.functions.map(({ name }) => name) ?? [];
}

/** The versions before are told by `show` alone. */
function toJson({ revisions: _revisions, ...shown }: Service): JsonObject {
  return shown as JsonObject;
}
