import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionNames } from '../../cli/local/build.ts';
import type { Package } from '../../cli/package/package-functions.ts';
import type { JsonObject } from '../../shared/json.ts';
import { packageProject } from './package-project.ts';
import { compareRights, rightsAtResources, rightsByRole, usersOfRoles } from './rights.ts';
import { describeRuns } from './runs.ts';
import { readTemplate, resolve, resourcesOf, type Template } from './template.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
const require = createRequire(import.meta.url);

let made: Package & { close(): Promise<void> };
let template: Template;

/** Packaged once: it takes half a minute. */
beforeAll(async () => {
  made = await packageProject();
  template = await readTemplate(made.template);
}, 240_000);
afterAll(() => made?.close());

describe('the template that npm run package writes', () => {
  it('has no fault that AWS would refuse it for', { timeout: 120_000 }, () => {
    const { CelEngine, TemplateFile } =
      require('@aws/cloudformation-validate') as typeof import('@aws/cloudformation-validate');

    const { diagnostics } = new CelEngine().validateStandard(new TemplateFile(made.template));

    const refused = diagnostics.filter(({ severity }) => ['FATAL', 'ERROR'].includes(String(severity)));
    expect(
      refused.map(({ ruleId, message, propertyPath }) => `${ruleId} ${propertyPath}: ${message}`),
    ).toEqual([]);
  });

  it('has no fault that cfn-lint finds, where Python brings it', { timeout: 120_000 }, async () => {
    const version = await run('cfn-lint', ['--version']).catch((error: Error) => error);
    if (version instanceof Error) {
      process.stderr.write(
        `cfn-lint is not asked: ${version.message.split('\n')[0]}. pip install cfn-lint brings it.\n`,
      );
      return;
    }

    const answer = await run('cfn-lint', ['--format', 'json', '--', made.template]).catch(
      (error: { stdout: string }) => error,
    );

    const found = JSON.parse(answer.stdout) as { Level: string; Message: string; Rule: { Id: string } }[];
    expect(
      found.filter(({ Level }) => Level === 'Error').map(({ Rule, Message }) => `${Rule.Id} ${Message}`),
    ).toEqual([]);
  });

  it('deploys every function by itself, on the runtime and with limits that are written down', async () => {
    const functions = resourcesOf(template, 'AWS::Lambda::Function').map(([, { Properties }]) => Properties);

    expect(functions.map(({ FunctionName }) => FunctionName).sort()).toEqual(
      (await functionNames(ROOT)).map((name) => `modelfn-test-${name}`),
    );
    for (const { Runtime, Timeout, MemorySize, EphemeralStorage, Environment, FunctionName } of functions) {
      const { Variables } = resolve(template, Environment!) as { Variables: Record<string, string> };
      const storage = (EphemeralStorage as { Size: number }).Size * 1024 ** 2;
      expect({ Runtime, Timeout, MemorySize }, String(FunctionName)).toEqual({
        Runtime: 'nodejs24.x',
        Timeout: expect.any(Number),
        MemorySize: expect.any(Number),
      });
      expect(Number(Variables.MODELFN_CACHE_BYTES), String(FunctionName)).toBeLessThanOrEqual(storage / 2);
    }
    const text = await readFile(join(ROOT, 'serverless.yml'), 'utf8');
    expect(text).toMatch(/architecture: \$\{param:architecture, 'arm64'\}/);
  });

  it('keeps logs for a month, and raises an alarm for every queue of dead letters', () => {
    for (const [id, { Properties }] of resourcesOf(template, 'AWS::Logs::LogGroup'))
      expect(Properties.RetentionInDays, id).toBe(30);
    const letters = resourcesOf(template, 'AWS::SQS::Queue').flatMap(([, { Properties }]) => {
      const redrive = resolve(template, Properties.RedrivePolicy ?? null) as JsonObject | null;
      return redrive ? [redrive.deadLetterTargetArn] : [];
    });
    const all = new Set([
      ...letters,
      ...resourcesOf(template, 'AWS::Events::Rule').flatMap(([, { Properties }]) =>
        (Properties.Targets as { DeadLetterConfig?: JsonObject }[]).flatMap(({ DeadLetterConfig }) =>
          DeadLetterConfig ? [resolve(template, DeadLetterConfig.Arn!)] : [],
        ),
      ),
      ...resourcesOf(template, 'AWS::Lambda::Function').flatMap(([, { Properties }]) =>
        Properties.DeadLetterConfig
          ? [resolve(template, (Properties.DeadLetterConfig as JsonObject).TargetArn!)]
          : [],
      ),
    ]);
    const watched = resourcesOf(template, 'AWS::CloudWatch::Alarm').flatMap(([, { Properties }]) =>
      (resolve(template, Properties.Dimensions!) as { Name: string; Value: string }[])
        .filter(({ Name }) => Name === 'QueueName')
        .map(({ Value }) => `arn:aws:sqs:eu-west-1:123456789012:${Value}`),
    );

    expect([...all].sort()).toEqual(watched.sort());
  });

  it('lets nobody in without a signature', () => {
    const routes = resourcesOf(template, 'AWS::ApiGatewayV2::Route');

    expect(routes.length).toBeGreaterThan(0);
    for (const [id, { Properties }] of routes) expect(Properties.AuthorizationType, id).toBe('AWS_IAM');
  });

  it('takes secrets by reference alone', () => {
    const named = {
      StoreSettings: 'modelfn/test/store',
      RetrainSnapshot: 's1',
      GoogleKey: 'modelfn/test/google',
    };
    for (const [id, { Properties }] of resourcesOf(template, 'AWS::Lambda::Function')) {
      const { Variables } = resolve(template, Properties.Environment!, named) as { Variables: JsonObject };
      expect(Variables.MODELFN_STORE, id).toBe(
        '{{resolve:secretsmanager:modelfn/test/store:SecretString:address}}',
      );
      // The name of the variable with the key, which is a reference like the others.
      expect(Variables.MODELFN_GCS_CREDENTIALS, id).toBe('MODELFN_SECRET_GCS');
      for (const [name, value] of Object.entries(Variables))
        if (/SECRET|TOKEN|PASSWORD|KEY|STORE/.test(name))
          expect(value, name).toMatch(/^\{\{resolve:(secretsmanager|ssm-secure):[^{}]+\}\}$/);
    }
  });

  it('leaves out a store that nobody named', () => {
    const [, { Properties }] = resourcesOf(template, 'AWS::Lambda::Function')[0]!;

    expect(resolve(template, Properties.Environment!)).not.toHaveProperty('Variables.MODELFN_STORE');
  });
});

describe('the rights of the package', () => {
  it('gives every function, state machine and schedule a role of its own', () => {
    expect([...usersOfRoles(template)].filter(([, users]) => users !== 1)).toEqual([]);
    expect([...usersOfRoles(template).keys()].sort()).toEqual(
      resourcesOf(template, 'AWS::IAM::Role')
        .map(([id]) => id)
        .sort(),
    );
  });

  it('grants each role what it needs, and nothing more', () => {
    for (const [role, rights] of rightsByRole(template))
      expect(compareRights(rights), role).toEqual({ missing: [], superfluous: [] });
  });

  it('lets rules, queues and the HTTP API reach their targets, and nobody else', () => {
    expect(compareRights(rightsAtResources(template))).toEqual({ missing: [], superfluous: [] });
  });

  it('notices every single right that a role would lack', () => {
    let removed = 0;
    for (const [role, { needed, granted }] of rightsByRole(template))
      for (const right of granted) {
        const rest = new Set([...granted].filter((each) => each !== right));
        expect(compareRights({ needed, granted: rest }).missing, role).toEqual([right]);
        removed += 1;
      }
    expect(removed).toBeGreaterThan(20);
  });

  it('notices a statement that a role does not need', () => {
    const wide = structuredClone(template);
    const policies = wide.Resources.LoadRole!.Properties.Policies as {
      PolicyDocument: { Statement: object[] };
    }[];
    policies[0]!.PolicyDocument.Statement.push({ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' });

    expect(compareRights(rightsByRole(wide).get('LoadRole')!).superfluous).toEqual(['s3:GetObject *']);
  });

  it('notices a queue that a new function reads without a right to', () => {
    const more = structuredClone(template);
    const [, mapping] = resourcesOf(more, 'AWS::Lambda::EventSourceMapping')[0]!;
    mapping.Properties.FunctionName = { 'Fn::GetAtt': ['SaveLambdaFunction', 'Arn'] };

    const rights = rightsByRole(more);

    expect(compareRights(rights.get('SaveRole')!).missing).toContain(
      'sqs:ReceiveMessage arn:aws:sqs:eu-west-1:123456789012:PredictQueue',
    );
    expect(compareRights(rights.get('PredictRole')!).superfluous).toHaveLength(3);
  });
});

describeRuns(() => made);
