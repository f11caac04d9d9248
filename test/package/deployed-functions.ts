import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUNDLE_NAME, bundleAdapter } from '../../cli/bundle-adapter.ts';
import { digitEntries, GREY_STEP, readDigits } from '../../cli/demo/digits.ts';
import type { Package } from '../../cli/package/package-functions.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { pushModelCode } from '../../shared/catalog/codebase-push.ts';
import { createDataset } from '../../shared/catalog/datasets.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { pushPackage } from '../../shared/catalog/package-push.ts';
import { createProject } from '../../shared/catalog/projects.ts';
import { createService } from '../../shared/catalog/services.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import { packFolder } from '../../shared/codebases/archive.ts';
import { readConfig } from '../../shared/config.ts';
import { packageModuleSchema } from '../../shared/entities/package.ts';
import type { Service } from '../../shared/entities/service.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import type { JsonObject } from '../../shared/json.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { parse } from '../../shared/parse.ts';
import type { Platform } from '../../shared/platform.ts';
import { AwsServices } from './aws-services.ts';
import { LambdaFunction } from './lambda-function.ts';
import { runtimeClient } from './runtime-client.ts';
import { readTemplate, resolve, resourcesOf, type Template } from './template.ts';

/** Digits that are imported: enough to learn from, few enough to be quick. */
const SHOWN_DIGITS = 240;

/** The package as it would run: every zip in a container of its own, one state folder for all. */
export interface DeployedFunctions {
  template: Template;
  platform: Platform;
  aws: AwsServices;
  /** A function by its name, e.g. `train`; made with its first use. */
  use(name: string, variables?: Record<string, string>): Promise<LambdaFunction>;
  projectId: string;
  datasetId: string;
  /** A new snapshot of the SVM, or of an adapter in `test/cli/fixtures`. */
  newSnapshot(name: string, adapter?: string): Promise<Snapshot>;
  /** A service of one function of the class `Runner` in `code`. */
  newService(name: string, code: string, declared: JsonObject): Promise<Service>;
  close(): Promise<void>;
}

export async function deployFunctions(made: Package): Promise<DeployedFunctions> {
  const [template, client] = await Promise.all([readTemplate(made.template), runtimeClient()]);
  const folder = await mkdtemp(join(tmpdir(), 'modelfn-deployed-'));
  const home = join(folder, 'home');
  const aws = new AwsServices();
  const endpoint = await aws.listen();
  const running: LambdaFunction[] = [];
  const byName = new Map<string, Promise<LambdaFunction>>();

  const start = async (name: string, variables: Record<string, string>) => {
    const [, { Properties }] = resourcesOf(template, 'AWS::Lambda::Function').find(
      ([, each]) => each.Properties.FunctionName === `modelfn-test-${name}`,
    )!;
    const { Variables } = resolve(template, Properties.Environment!) as { Variables: Record<string, string> };
    const lambda = await LambdaFunction.create({
      properties: Properties,
      variables: { ...Variables, MODELFN_HOME: home, AWS_ENDPOINT_URL: endpoint, ...variables },
      zip: made.zips.get(name)!,
      taskRoot: join(folder, `task-${running.length}-${name}`),
      runtimeClient: client,
    });
    running.push(lambda);
    return lambda;
  };

  const platform = await openPlatform(readConfig({ MODELFN_HOME: home, MODELFN_LOG_LEVEL: 'silent' }));
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'deployed' });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'digits', projects: [project.id] });
  const digits = (await readDigits()).filter((_digit, row) => row % 7 === 0).slice(0, SHOWN_DIGITS);
  await uploadItems(platform, LOCAL_ACTOR, dataset.id, digitEntries(digits), { mode: 'skip' });

  return {
    template,
    platform,
    aws,
    projectId: project.id,
    datasetId: dataset.id,
    use: (name, variables) => {
      if (variables) return start(name, variables);
      const known = byName.get(name) ?? start(name, {});
      byName.set(name, known);
      return known;
    },
    newSnapshot: async (name, adapter) => {
      const model = await createModel(platform, LOCAL_ACTOR, {
        name,
        projectId: project.id,
        entryPoint: adapter ? BUNDLE_NAME : 'modelfn/svm',
        className: 'SvmAdapter',
        configuration: adapter
          ? {}
          : { kernel: 'rbf', C: 10, gamma: 0.001, image: { channels: 1, scale: GREY_STEP } },
      });
      if (adapter) {
        const fixture = join(import.meta.dirname, '../cli/fixtures', adapter);
        const { archive, className } = await bundleAdapter(fixture);
        await pushModelCode(platform, LOCAL_ACTOR, {
          modelId: model.id,
          archive,
          entryPoint: BUNDLE_NAME,
          className,
        });
      }
      return createSnapshot(platform, LOCAL_ACTOR, {
        name,
        projectId: project.id,
        modelId: model.id,
        datasetId: dataset.id,
      });
    },
    newService: async (name, code, declared) => {
      const source = join(folder, name);
      await mkdir(source);
      await writeFile(join(source, 'main.mjs'), code);
      const { package: pushed } = await pushPackage(platform, LOCAL_ACTOR, {
        name,
        projectId: project.id,
        archive: await packFolder(source),
        modules: [
          parse(
            packageModuleSchema,
            { className: 'Runner', entryPoint: 'main.mjs', functions: [declared] },
            'module',
          ),
        ],
        slots: null,
        requirements: null,
        serviceConfig: null,
      });
      return createService(platform, LOCAL_ACTOR, { name, projectId: project.id, packageId: pushed.id });
    },
    close: async () => {
      await Promise.all(running.map((each) => each.close()));
      await aws.close();
      await platform.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
