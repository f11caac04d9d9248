import { readFile } from 'node:fs/promises';
import { isJsonObject, type Json, type JsonObject } from '../../shared/json.ts';

/** One resource of a CloudFormation template. */
export interface Resource {
  Type: string;
  Properties: JsonObject;
}

export interface Template {
  Parameters: Record<string, { Default: string }>;
  Conditions: Record<string, Json>;
  Resources: Record<string, Resource>;
}

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-west-1',
  'AWS::AccountId': '123456789012',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** What CloudFormation makes of `AWS::NoValue`. */
const NO_VALUE = Symbol('AWS::NoValue');

export async function readTemplate(path: string): Promise<Template> {
  return JSON.parse(await readFile(path, 'utf8')) as Template;
}

/** Logical id and resource of every resource of a type. */
export function resourcesOf(template: Template, type: string): [string, Resource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}

/**
 * A value with its functions worked out as a deployment with `parameters` does, ARNs of one made-up account.
 * @throws for a function or an attribute that it does not know: no right is ever overlooked
 */
export function resolve(template: Template, value: Json, parameters: Record<string, string> = {}): Json {
  const worked = work(template, value, parameters);
  return (worked === NO_VALUE ? null : worked) as Json;
}

function work(template: Template, value: Json, parameters: Record<string, string>): unknown {
  const inner = (each: Json) => work(template, each, parameters);
  const text = (each: Json) => String(inner(each));
  if (Array.isArray(value)) return value.map(inner).filter((each) => each !== NO_VALUE);
  if (!isJsonObject(value)) return value;
  const [[name, argument] = ['', null], ...more] = Object.entries(value);
  if (more.length > 0 || !(name === 'Ref' || name.startsWith('Fn::')))
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, each]) => [key, inner(each)] as const)
        .filter(([, each]) => each !== NO_VALUE),
    );
  const list = argument as Json[];
  switch (name) {
    case 'Ref':
      return refOf(template, String(argument), parameters);
    case 'Fn::GetAtt':
      return attributeOf(template, String(list[0]), String(list[1]));
    case 'Fn::Join':
      return (inner(list[1]!) as unknown[]).map(String).join(String(list[0]));
    case 'Fn::Sub':
      return String(argument).replace(/\$\{([\w:.]+)\}/g, (_all, hole: string) => {
        const [id, attribute] = hole.split('.');
        return String(
          attribute === undefined ? refOf(template, hole, parameters) : attributeOf(template, id!, attribute),
        );
      });
    case 'Fn::If':
      return inner(holds(template, String(list[0]), parameters) ? list[1]! : list[2]!);
    case 'Fn::Equals':
      return text(list[0]!) === text(list[1]!);
    case 'Fn::Not':
      return !inner(list[0]!);
    default:
      throw new Error(`${name} is not known to this test`);
  }
}

function holds(template: Template, condition: string, parameters: Record<string, string>): boolean {
  return work(template, template.Conditions[condition]!, parameters) === true;
}

function refOf(template: Template, name: string, parameters: Record<string, string>): unknown {
  if (name === 'AWS::NoValue') return NO_VALUE;
  if (name in PSEUDO) return PSEUDO[name];
  if (name in template.Parameters) return parameters[name] ?? template.Parameters[name]!.Default;
  const { Type, Properties } = resource(template, name);
  if (Type === 'AWS::Events::EventBus') return resolve(template, Properties.Name!);
  if (Type === 'AWS::Scheduler::ScheduleGroup') return resolve(template, Properties.Name!);
  if (Type === 'AWS::Lambda::Function') return resolve(template, Properties.FunctionName!);
  if (Type === 'AWS::SQS::Queue') return `https://sqs.eu-west-1.amazonaws.com/123456789012/${name}`;
  if (Type === 'AWS::StepFunctions::StateMachine' || Type === 'AWS::SNS::Topic')
    return attributeOf(template, name, 'Arn');
  return name;
}

function attributeOf(template: Template, id: string, attribute: string): unknown {
  const { Type, Properties } = resource(template, id);
  const arn = (service: string, rest: string) => `arn:aws:${service}:eu-west-1:123456789012:${rest}`;
  const own = (property: string) => String(resolve(template, Properties[property] ?? id));
  if (attribute === 'Arn')
    switch (Type) {
      case 'AWS::Lambda::Function':
        return arn('lambda', `function:${own('FunctionName')}`);
      case 'AWS::SQS::Queue':
        return arn('sqs', id);
      case 'AWS::StepFunctions::StateMachine':
        return arn('states', `stateMachine:${own('StateMachineName')}`);
      case 'AWS::IAM::Role':
        return `arn:aws:iam::123456789012:role/${id}`;
      case 'AWS::SNS::Topic':
        return arn('sns', id);
      case 'AWS::Events::EventBus':
        return arn('events', `event-bus/${own('Name')}`);
      case 'AWS::Events::Rule':
        return arn(
          'events',
          `rule/${Properties.EventBusName ? `${own('EventBusName')}/` : ''}${own('Name')}`,
        );
    }
  if (Type === 'AWS::SQS::Queue' && attribute === 'QueueName') return id;
  throw new Error(`${attribute} of ${Type} is not known to this test`);
}

function resource(template: Template, id: string): Resource {
  const found = template.Resources[id];
  if (!found) throw new Error(`${id} is referred to and not in the template`);
  return found;
}
