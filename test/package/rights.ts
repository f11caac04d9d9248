import { FUNCTION_NAMES } from '../../shared/catalog/function-names.ts';
import { SERVICE_FUNCTION } from '../../shared/invoke/deployed-function.ts';
import { isJsonObject, type Json, type JsonObject } from '../../shared/json.ts';
import { FUNCTION_PORTS } from '../../shared/pipelines/function-ports.ts';
import { type Resource, resolve, resourcesOf, type Template } from './template.ts';

/** `<action> <ARN>`, for one who acts; `<who> may <action> <ARN>` where a resource lets somebody in. */
export interface Rights {
  needed: Set<string>;
  granted: Set<string>;
}

/**
 * What each function, state machine and schedule does to others, read from what the template makes of it, beside what its
 * role grants. Keyed by the role's logical id.
 */
export function rightsByRole(template: Template): Map<string, Rights> {
  const needs = new Map<string, string[]>();
  const add = (role: Json | undefined, rights: string[]) => {
    const id = roleId(role);
    needs.set(id, [...(needs.get(id) ?? []), ...rights]);
  };
  for (const [id, { Properties }] of resourcesOf(template, 'AWS::Lambda::Function')) {
    add(Properties.Role, functionNeeds(template, id, Properties));
    for (const [role, rights] of rolesPassedOn(template, Properties)) add(role, rights);
  }
  for (const [, { Properties }] of resourcesOf(template, 'AWS::StepFunctions::StateMachine'))
    add(Properties.RoleArn, machineNeeds(template, Properties));
  for (const [, { Properties }] of resourcesOf(template, 'AWS::Scheduler::Schedule')) {
    const target = Properties.Target as JsonObject;
    const arn = String(resolve(template, target.Arn!));
    const action = arn.includes(':lambda:') ? 'lambda:InvokeFunction' : 'states:StartExecution';
    add(target.RoleArn, [`${action} ${arn}`]);
  }
  return new Map(
    resourcesOf(template, 'AWS::IAM::Role').map(([id, role]) => [
      id,
      { needed: new Set(needs.get(id)), granted: new Set(grantsOf(template, role)) },
    ]),
  );
}

/** What roles are for that a function hands on to what it makes, by the setting that names them. */
function rolesPassedOn(template: Template, { Environment }: JsonObject): [role: Json, rights: string[]][] {
  const { Variables: raw } = Environment as { Variables: JsonObject };
  const { MODELFN_SCHEDULE_ROLE: schedules, MODELFN_PIPELINE_ROLE: pipelines } = raw;
  if (schedules === undefined || pipelines === undefined) return [];
  const { Variables } = resolve(template, Environment!) as { Variables: Record<string, string> };
  const functions = [...FUNCTION_NAMES, SERVICE_FUNCTION, 'relay'].map((name) =>
    Variables.MODELFN_FUNCTIONS!.replace('*', name),
  );
  const letters = `arn:aws:sqs:eu-west-1:123456789012:${Variables.MODELFN_EVENT_DEAD_LETTERS!.split('/').at(-1)}`;
  const calls = functions.map((arn) => `lambda:InvokeFunction ${arn}`);
  const nodes = [...Object.keys(FUNCTION_PORTS), SERVICE_FUNCTION].map(
    (name) => `lambda:InvokeFunction ${Variables.MODELFN_FUNCTIONS!.replace('*', name)}`,
  );
  return [
    [pipelines, nodes],
    [schedules, [...calls, `sqs:SendMessage ${letters}`]],
  ];
}

/** How many functions, machines and schedules act under each role. */
export function usersOfRoles(template: Template): Map<string, number> {
  const count = new Map<string, number>();
  for (const { Type, Properties } of Object.values(template.Resources)) {
    const target = isJsonObject(Properties?.Target) ? Properties.Target.RoleArn : undefined;
    const role = Type === 'AWS::Lambda::Function' ? Properties.Role : (Properties?.RoleArn ?? target);
    const passedOn = Type === 'AWS::Lambda::Function' ? rolesPassedOn(template, Properties) : [];
    for (const each of [role, ...passedOn.map(([passed]) => passed)])
      if (each !== undefined) count.set(roleId(each), (count.get(roleId(each)) ?? 0) + 1);
  }
  return count;
}

/** Which service may send to which queue and call which function on whose behalf. */
export function rightsAtResources(template: Template): Rights {
  const needed = new Set<string>();
  const granted = new Set<string>();
  for (const [id, rule] of resourcesOf(template, 'AWS::Events::Rule')) {
    const from = String(resolve(template, { 'Fn::GetAtt': [id, 'Arn'] }));
    for (const target of rule.Properties.Targets as JsonObject[]) {
      const arn = String(resolve(template, target.Arn!));
      const action = arn.includes(':sqs:') ? 'sqs:SendMessage' : 'lambda:InvokeFunction';
      needed.add(`events.amazonaws.com may ${action} ${arn} for ${from}`);
      const letters = target.DeadLetterConfig as JsonObject | undefined;
      if (letters)
        needed.add(`events.amazonaws.com may sqs:SendMessage ${resolve(template, letters.Arn!)} for ${from}`);
    }
  }
  for (const [, { Properties }] of resourcesOf(template, 'AWS::ApiGatewayV2::Integration'))
    needed.add(
      `apigateway.amazonaws.com may lambda:InvokeFunction ${resolve(template, Properties.IntegrationUri!)} for arn:aws:execute-api:eu-west-1:123456789012:HttpApi/*`,
    );
  for (const [, { Properties }] of resourcesOf(template, 'AWS::SQS::QueuePolicy'))
    for (const statement of statementsOf(template, Properties.PolicyDocument!))
      for (const right of crossed(statement))
        granted.add(`${who(statement)} may ${right} for ${source(statement)}`);
  for (const [, { Properties }] of resourcesOf(template, 'AWS::Lambda::Permission')) {
    const { Principal, Action, FunctionName, SourceArn } = resolve(template, Properties) as JsonObject;
    granted.add(`${Principal} may ${Action} ${FunctionName} for ${SourceArn}`);
  }
  return { needed, granted };
}

/** What is needed and not granted, and what is granted and not needed. A grant may end in `*`, as a source of many. */
export function compareRights({ needed, granted }: Rights): { missing: string[]; superfluous: string[] } {
  const covers = (grant: string, need: string) =>
    grant === need || (grant.endsWith('*') && !need.endsWith('*') && need.startsWith(grant.slice(0, -1)));
  return {
    missing: [...needed].filter((need) => ![...granted].some((grant) => covers(grant, need))),
    superfluous: [...granted].filter((grant) => ![...needed].some((need) => covers(grant, need))),
  };
}

function functionNeeds(template: Template, id: string, properties: JsonObject): string[] {
  const name = String(properties.FunctionName);
  const arn = String(resolve(template, { 'Fn::GetAtt': [id, 'Arn'] }));
  const group = `arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/${name}:*`;
  const needs = [`logs:CreateLogStream ${group}`, `logs:PutLogEvents ${group}`];
  for (const [, mapping] of resourcesOf(template, 'AWS::Lambda::EventSourceMapping')) {
    if (resolve(template, mapping.Properties.FunctionName!) !== arn) continue;
    const queue = resolve(template, mapping.Properties.EventSourceArn!);
    for (const action of ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'])
      needs.push(`sqs:${action} ${queue}`);
  }
  const letters = properties.DeadLetterConfig as JsonObject | undefined;
  if (letters) needs.push(`sqs:SendMessage ${resolve(template, letters.TargetArn!)}`);
  const { Variables } = resolve(template, properties.Environment!) as { Variables: JsonObject };
  if (Variables.MODELFN_DISPATCH === 'self') needs.push(`lambda:InvokeFunction ${arn}`);
  else if (Variables.MODELFN_DISPATCH !== undefined)
    needs.push(`states:StartExecution ${Variables.MODELFN_DISPATCH}`);
  const own = (service: string, rest: unknown) => `arn:aws:${service}:eu-west-1:123456789012:${rest}`;
  const { MODELFN_RELAY, MODELFN_EVENT_BUS, MODELFN_EVENT_DEAD_LETTERS } = Variables;
  if (Variables.MODELFN_PIPELINES !== undefined) {
    const machines = String(Variables.MODELFN_PIPELINES);
    needs.push(`states:CreateStateMachine ${machines}`, `states:StartExecution ${machines}`);
    needs.push(`states:DescribeExecution ${machines.replace(':stateMachine:', ':execution:')}`);
    needs.push(`iam:PassRole ${Variables.MODELFN_PIPELINE_ROLE}`);
  }
  if (Variables.MODELFN_SCHEDULE_GROUP !== undefined) {
    const schedules = own('scheduler', `schedule/${Variables.MODELFN_SCHEDULE_GROUP}/*`);
    needs.push(`scheduler:CreateSchedule ${schedules}`, `scheduler:DeleteSchedule ${schedules}`);
    needs.push('scheduler:ListSchedules *', `iam:PassRole ${Variables.MODELFN_SCHEDULE_ROLE}`);
  }
  if (MODELFN_RELAY !== undefined)
    needs.push(`lambda:InvokeFunction ${own('lambda', `function:${MODELFN_RELAY}`)}`);
  if (MODELFN_EVENT_BUS !== undefined)
    needs.push(`events:PutEvents ${own('events', `event-bus/${MODELFN_EVENT_BUS}`)}`);
  if (MODELFN_EVENT_DEAD_LETTERS !== undefined)
    needs.push(`sqs:SendMessage ${own('sqs', String(MODELFN_EVENT_DEAD_LETTERS).split('/').at(-1))}`);
  return needs;
}

/** A task invokes its function; a distributed map starts, watches and stops executions of its own machine. */
function machineNeeds(template: Template, properties: JsonObject): string[] {
  const substitutions = resolve(template, properties.DefinitionSubstitutions!) as Record<string, string>;
  const name = String(properties.StateMachineName);
  const own = (what: string) => `arn:aws:states:eu-west-1:123456789012:${what}`;
  const needs: string[] = [];
  const walk = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const inner of Object.values(value)) walk(inner);
    if (!isJsonObject(value)) return;
    const target = isJsonObject(value.Arguments) ? value.Arguments.FunctionName : undefined;
    if (value.Resource === 'arn:aws:states:::lambda:invoke')
      needs.push(`lambda:InvokeFunction ${substitutions[/^\$\{(\w+)\}$/.exec(String(target))![1]!]}`);
    else if (value.Resource !== undefined) throw new Error(`${value.Resource} is not known to this test`);
    if (value.Mode === 'DISTRIBUTED')
      needs.push(
        `states:StartExecution ${own(`stateMachine:${name}`)}`,
        `states:DescribeExecution ${own(`execution:${name}/*`)}`,
        `states:StopExecution ${own(`execution:${name}/*`)}`,
      );
  };
  walk(properties.Definition!);
  return needs;
}

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Principal?: { Service: string };
  Condition?: Record<string, Record<string, string>>;
}

function grantsOf(template: Template, { Properties }: Resource): string[] {
  if (Properties.ManagedPolicyArns !== undefined)
    throw new Error('a managed policy grants more than is needed');
  return ((Properties.Policies ?? []) as JsonObject[]).flatMap(({ PolicyDocument }) =>
    statementsOf(template, PolicyDocument!).flatMap(crossed),
  );
}

function statementsOf(template: Template, document: Json): Statement[] {
  return (resolve(template, document) as unknown as { Statement: Statement[] }).Statement.filter(
    ({ Effect }) => Effect === 'Allow',
  );
}

function crossed({ Action, Resource }: Statement): string[] {
  return [Action].flat().flatMap((action) => [Resource].flat().map((arn) => `${action} ${arn}`));
}

function who({ Principal }: Statement): string {
  return Principal?.Service ?? 'anybody';
}

function source({ Condition }: Statement): string {
  const { ArnEquals, ArnLike } = Condition ?? {};
  return (ArnEquals ?? ArnLike)?.['aws:SourceArn'] ?? 'anybody';
}

function roleId(role: Json | undefined): string {
  const reference = isJsonObject(role) ? role['Fn::GetAtt'] : undefined;
  if (!Array.isArray(reference))
    throw new Error(`a role that is not of this template: ${JSON.stringify(role)}`);
  return String(reference[0]);
}
