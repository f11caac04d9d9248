import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Package } from '../../cli/package/package-functions.ts';
import type { Machine } from '../../shared/asl/machine.ts';
import { type MachineResult, runMachine } from '../../shared/asl/run-machine.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createTrigger } from '../../shared/catalog/triggers.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import type { Json, JsonObject } from '../../shared/json.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { eventBridgeEvent, httpRequest, sqsBatch } from '../support/events.ts';
import { makeDatabase, startPostgres } from '../support/postgres/postgres-server.ts';
import { FakeScheduler, type ScheduleBody } from '../support/scheduler.ts';
import { type DeployedFunctions, deployFunctions } from './deployed-functions.ts';
import type { Invoked } from './runtime-api.ts';
import { resolve } from './template.ts';

const TEST_ITEMS = { 'metadata.system.snapshotPartition': 'test' };
const FUNCTIONS = ['train', 'predict', 'evaluate', 'convert', 'load', 'save', 'service'];

/** The zips of a package under AWS's own runtime client. In the file that packages: it is done once. */
export function describeRuns(made: () => Package): void {
  let deployed: DeployedFunctions;
  let snapshot: Snapshot;
  beforeAll(async () => {
    deployed = await deployFunctions(made());
    snapshot = await deployed.newSnapshot('rbf');
    const train = await deployed.use('train');
    answerOf(await train.invoke({ inputs: { snapshot: snapshot.id } }));
  }, 240_000);
  afterAll(() => deployed?.close());

  const invoke = async (name: string, event: Json) => (await deployed.use(name)).invoke(event);
  const call = async (name: string, inputs: JsonObject) =>
    answerOf(await invoke(name, { inputs })) as JsonObject;
  const request = async (name: string, options: Parameters<typeof httpRequest>[0]) => {
    const answer = answerOf(
      await invoke(name, httpRequest({ path: `/api/v1/functions/${name}`, ...options })),
    );
    const { statusCode, body, headers } = answer as { statusCode: number; body: string; headers: JsonObject };
    return { statusCode, headers, body: JSON.parse(body) as JsonObject };
  };
  const testItems = (): JsonObject => ({ dataset: deployed.datasetId, filter: TEST_ITEMS });

  describe("the zips under AWS's runtime client", { timeout: 120_000 }, () => {
    it.each(FUNCTIONS)(
      '%s answers HTTP from a cold container and from the same one when it is warm',
      async (name) => {
        const lambda = await deployed.use(name);
        await lambda.freeze();
        const before = lambda.coldStarts;

        for (const _round of [1, 2])
          expect(await request(name, { method: 'GET' })).toMatchObject({
            statusCode: 200,
            body: { function: name },
          });

        expect(lambda.coldStarts).toBe(before + 1);
      },
    );

    it('api serves entities', async () => {
      const path = `/api/v1/datasets/${deployed.datasetId}`;

      expect(await request('api', { method: 'GET', path })).toMatchObject({
        statusCode: 200,
        body: { id: deployed.datasetId, name: 'digits' },
      });
    });

    it('api keeps entities in PostgreSQL, for containers that share nothing else', async () => {
      const server = await startPostgres();
      const database = await makeDatabase(server);
      try {
        const api = (container: string) =>
          deployed.use('api', {
            MODELFN_STORE: database.address,
            MODELFN_HOME: join(temporaryFolder(), container),
          });
        const [one, two] = await Promise.all([api('one'), api('two')]);
        const path = '/api/v1/projects';

        const made = answerOf(await one.invoke(httpRequest({ path, body: { name: 'shared' } })));
        const seen = answerOf(await two.invoke(httpRequest({ path, method: 'GET' })));

        expect(made).toMatchObject({ statusCode: 200 });
        expect(JSON.parse((seen as { body: string }).body)).toMatchObject([{ name: 'shared' }]);
        await Promise.all([one.freeze(), two.freeze()]);
      } finally {
        await database.drop();
        await server.stop();
      }
    });

    it('train saved weights that load finds and verifies', async () => {
      const loaded = await call('load', { snapshot: snapshot.id, fresh: true });

      expect(loaded).toMatchObject({ status: 'trained', snapshot: { revision: 1 }, cold: true });
      expect((loaded.files as Json[]).length).toBeGreaterThan(0);
    });

    it('predict answers the same to HTTP, a task, an SQS batch and an EventBridge event', async () => {
      const { platform, projectId, datasetId } = deployed;
      await createTrigger(platform, LOCAL_ACTOR, {
        name: 'predict',
        projectId,
        spec: {
          resource: 'Item',
          actions: ['Created'],
          executionMode: 'Always',
          filter: TEST_ITEMS,
          input: { snapshot: { snapshot_id: snapshot.id } },
          operation: { type: 'function', functionName: 'predict' },
        },
      });
      const { items } = await platform.store.query('Item', { filter: TEST_ITEMS, scope: { datasetId } });
      const [first, second, third] = items;
      const event = (item: typeof first, id: string) =>
        eventBridgeEvent({ resourceId: item!.id, projectId, datasetId, id });

      const task = await call('predict', { snapshot: snapshot.id, items: testItems() });
      const http = await request('predict', {
        body: { inputs: { snapshot: snapshot.id, items: testItems() } },
      });
      const batch = await invoke('predict', sqsBatch([event(first, 'e1'), event(second, 'e2')]));
      const single = answerOf(await invoke('predict', event(third, 'e3'))) as { executions: string[] };

      expect(task).toMatchObject({ failed: [], written: true });
      expect(task.items).toBe(items.length);
      expect(http).toMatchObject({ statusCode: 200, body: { output: { digest: task.digest } } });
      expect(answerOf(batch)).toEqual({ batchItemFailures: [] });
      const recorded = await platform.store.get('Execution', single.executions[0]!);
      expect(recorded).toMatchObject({ caller: 'event', latestStatus: { status: 'success' } });
      const right = await call('evaluate', { snapshot: snapshot.id });
      expect((right.metrics as JsonObject).accuracy).toBeGreaterThan(0.8);
    });

    it('service answers the same to HTTP, a task, an SQS batch and an EventBridge event', async () => {
      const { platform, projectId, datasetId } = deployed;
      const service = await deployed.newService(
        'tools',
        `export class Runner {
          async label({ item, snapshot }, context) {
            const { results } = await snapshot.predict([item]);
            context.log.info('predicted');
            return { label: results[0].predictions[0].label, name: (await context.project()).name };
          }
        }`,
        {
          name: 'label',
          input: [
            { name: 'item', type: 'Item' },
            { name: 'snapshot', type: 'Snapshot', load: true },
          ],
          output: [
            { name: 'label', type: 'String' },
            { name: 'name', type: 'String' },
          ],
        },
      );
      await createTrigger(platform, LOCAL_ACTOR, {
        name: 'label',
        projectId,
        spec: {
          resource: 'Item',
          actions: ['Updated'],
          executionMode: 'Always',
          filter: TEST_ITEMS,
          input: { snapshot: { snapshot_id: snapshot.id } },
          operation: { type: 'function', serviceId: service.id, functionName: 'label' },
        },
      });
      const { items } = await platform.store.query('Item', { filter: TEST_ITEMS, scope: { datasetId } });
      const item = items[0]!;
      const event = (id: string) =>
        eventBridgeEvent({ resourceId: item.id, projectId, datasetId, id, action: 'Updated' });
      const inputs = { item: item.id, snapshot: snapshot.id };

      const task = answerOf(await invoke('service', { function: 'label', service: service.id, inputs }));
      const http = await request('service', {
        query: 'wait=true',
        body: { service: { name: 'tools' }, function: 'label', inputs },
      });
      const batch = await invoke('service', sqsBatch([event('s1')]));
      const single = answerOf(await invoke('service', event('s2'))) as { executions: string[] };

      expect(task).toEqual({ label: expect.stringMatching(/^\d$/), name: 'deployed' });
      expect(http).toMatchObject({ statusCode: 200, body: { function: 'label', output: task } });
      expect(answerOf(batch)).toEqual({ batchItemFailures: [] });
      expect(await platform.store.get('Execution', single.executions[0]!)).toMatchObject({
        caller: 'event',
        serviceId: service.id,
        output: task,
      });
      expect(
        await platform.store.count('Execution', { filter: { serviceId: service.id } }),
        'task, HTTP and two events',
      ).toBe(4);
    });

    it('names the records of a batch that failed, and no other', async () => {
      const event = eventBridgeEvent({
        resourceId: 'none',
        projectId: deployed.projectId,
        action: 'Updated',
      });

      const answer = await invoke('predict', sqsBatch([event, 'no JSON', event, { detail: { id: 'x' } }]));

      expect(answerOf(answer)).toEqual({
        batchItemFailures: [{ itemIdentifier: 'message-1' }, { itemIdentifier: 'message-3' }],
      });
    });

    it('save and convert work as tasks', async () => {
      const copy = await deployed.newSnapshot('copy');

      const saved = await call('save', { snapshot: copy.id, fromSnapshot: snapshot.id });
      const converted = await call('convert', { snapshot: snapshot.id, partition: 'test' });

      expect(saved).toMatchObject({ snapshot: { id: copy.id, revision: 1 } });
      expect(converted).toMatchObject({ snapshot: { id: snapshot.id } });
    });

    it('hands a training over HTTP to the state machine, once however often it is sent', async () => {
      const { aws, platform } = deployed;
      const again = await deployed.newSnapshot('over-http');
      aws.requests.length = 0;
      aws.answers.push(
        { status: 200, body: '{"executionArn":"arn"}' },
        { status: 400, body: '{"__type":"ExecutionAlreadyExists"}' },
      );
      const body = { executionId: 'training-1', inputs: { snapshot: again.id } };

      const accepted = await request('train', { body });
      const repeated = await request('train', { body });

      expect(accepted).toMatchObject({
        statusCode: 202,
        body: { executionId: 'training-1', status: 'created' },
      });
      expect(repeated).toMatchObject({ statusCode: 202, body: { executionId: 'training-1' } });
      const [sent] = aws.requests;
      expect(sent!.headers).toMatchObject({
        'x-amz-target': 'AWSStepFunctions.StartExecution',
        'x-amz-security-token': 'planted-token-of-the-container',
        authorization: expect.stringMatching(
          /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/states\/aws4_request, /,
        ),
      });
      expect(JSON.stringify(sent)).not.toContain('planted-secret');
      const { stateMachineArn, name, input } = JSON.parse(sent!.body) as Record<string, string>;
      expect({ stateMachineArn, name }).toEqual({
        stateMachineArn: 'arn:aws:states:eu-west-1:123456789012:stateMachine:modelfn-test-train',
        name: 'training-1',
      });
      answerOf(await invoke('train', JSON.parse(input!) as Json));
      expect(await platform.store.get('Execution', 'training-1')).toMatchObject({
        latestStatus: { status: 'success' },
      });
    });

    it('hands a long call over HTTP to another invocation of the same function', async () => {
      const { aws, platform } = deployed;
      aws.requests.length = 0;
      const inputs = { snapshot: snapshot.id, predict: true };

      const accepted = await request('evaluate', { body: { inputs } });

      const [sent] = aws.requests;
      expect(sent).toMatchObject({
        path: '/2015-03-31/functions/modelfn-test-evaluate/invocations',
        headers: { 'x-amz-invocation-type': 'Event' },
      });
      answerOf(await invoke('evaluate', JSON.parse(sent!.body) as Json));
      expect(await platform.store.get('Execution', String(accepted.body.executionId))).toMatchObject({
        functionName: 'evaluate',
        latestStatus: { status: 'success' },
      });
    });

    it('tells a caller whose long call AWS did not take that nothing runs', async () => {
      deployed.aws.answers.push({ status: 429, body: '{"Reason":"ConcurrentInvocationLimitExceeded"}' });

      const refused = await request('evaluate', { body: { inputs: { snapshot: snapshot.id } } });

      expect(refused).toMatchObject({ statusCode: 503, body: { code: 'DispatchFailed' } });
      expect(refused.body.message).toContain('ConcurrentInvocationLimitExceeded');
    });

    it('relay puts on the bus what the others left in the outbox, and they call it', async () => {
      const { aws, platform } = deployed;
      await invoke('relay', { relay: 'kick' });
      aws.requests.length = 0;
      const copy = await deployed.newSnapshot('relayed');
      await call('save', { snapshot: copy.id, fromSnapshot: snapshot.id });
      const [kick] = aws.requests.splice(0);
      const waiting = await platform.store.readEvents(1000);

      const answer = answerOf(await invoke('relay', JSON.parse(kick!.body) as Json));

      expect(kick!.path).toBe('/2015-03-31/functions/modelfn-test-relay/invocations');
      expect(answer).toMatchObject({ sent: waiting.length, givenUp: 0 });
      const entries = aws.requests.flatMap(
        ({ body }) => (JSON.parse(body) as { Entries: { Detail: string; EventBusName: string }[] }).Entries,
      );
      expect(entries.map(({ Detail }) => (JSON.parse(Detail) as JsonObject).id)).toEqual(
        waiting.map(({ event }) => event.id),
      );
      expect(new Set(entries.map(({ EventBusName }) => EventBusName))).toEqual(new Set(['modelfn-test']));
      expect(await platform.store.readEvents(1)).toEqual([]);
    });

    it('relay keeps a schedule for a cron trigger, whose times the function takes', async () => {
      const { aws, platform, projectId } = deployed;
      const scheduler = new FakeScheduler(Date.now);
      const before = aws.respond;
      aws.respond = scheduler.respond;
      const trigger = await createTrigger(platform, LOCAL_ACTOR, {
        name: 'every hour',
        type: 'Cron',
        projectId,
        spec: {
          cron: '0 * * * *',
          input: { snapshot: { snapshot_id: snapshot.id } },
          operation: { type: 'function', functionName: 'load' },
        },
      });

      const answer = answerOf(await invoke('relay', { relay: 'minute' }));
      aws.respond = before;

      expect(answer).toMatchObject({ schedules: { created: 1, deleted: 0 } });
      const [{ Target }] = [...scheduler.schedules.values()] as [ScheduleBody];
      expect(Target.Arn).toBe((await deployed.use('load')).arn);
      const time = '2026-01-31T12:00:00Z';
      const input = String(Target.Input).replace('<aws.scheduler.scheduled-time>', time);
      const { executions } = answerOf(await invoke('load', JSON.parse(input) as Json)) as {
        executions: string[];
      };
      expect(await platform.store.get('Execution', executions[0]!)).toMatchObject({
        triggerId: trigger.id,
        latestStatus: { status: 'success' },
      });
    });

    it("throws a task's failure under its code, so that Retry and Catch match it", async () => {
      const failed = await invoke('predict', { inputs: { snapshot: 'nobody', items: [] } });

      expect(failed).toMatchObject({
        functionError: 'Unhandled',
        payload: { errorType: 'EntityNotFound', errorMessage: expect.stringContaining('nobody') },
      });
    });

    it.each([...FUNCTIONS, 'api', 'relay'])(
      '%s refuses a payload that no known caller sends',
      async (name) => {
        for (const event of [{}, { Records: [{ eventSource: 'aws:s3' }] }, 'text', null]) {
          const refused = await invoke(name, event);
          expect(refused, JSON.stringify(event)).toMatchObject({
            functionError: 'Unhandled',
            payload: { errorType: 'UnknownEvent' },
          });
        }
      },
    );

    it('api is no target of a queue: a batch is not lost as a success', async () => {
      expect(await invoke('api', sqsBatch([{}]))).toMatchObject({ payload: { errorType: 'UnknownEvent' } });
    });

    it('tells of a setting that cannot be used, to tasks and over HTTP', async () => {
      const broken = await deployed.use('load', { MODELFN_CACHE_BYTES: 'plenty' });

      expect(await broken.invoke({ inputs: { snapshot: snapshot.id } })).toMatchObject({
        functionError: 'Unhandled',
        payload: { errorType: 'InvalidConfig' },
      });
      expect(answerOf(await broken.invoke(httpRequest({ method: 'GET' })))).toMatchObject({
        statusCode: 500,
      });
    });

    it('a training stops by itself before its time is up, and records that', async () => {
      const endless = await deployed.newSnapshot('endless', 'endless.ts');
      const train = await deployed.use('train');

      const stopped = await train.invoke(
        { executionId: 'endless-1', inputs: { snapshot: endless.id } },
        4_000,
      );

      expect(stopped).toMatchObject({ payload: { errorType: 'DeadlineExceeded' } });
      expect(await deployed.platform.store.get('Execution', 'endless-1')).toMatchObject({
        latestStatus: { status: 'failed' },
        error: { code: 'DeadlineExceeded' },
      });
    });

    it('a training that never lets go is killed at the limit, and the next event meets a new container', async () => {
      const stubborn = await deployed.newSnapshot('stubborn', 'stubborn.ts');
      const train = await deployed.use('train');
      await request('train', { method: 'GET' });
      const before = train.coldStarts;

      const killed = await train.invoke(
        { executionId: 'stubborn-1', inputs: { snapshot: stubborn.id } },
        4_000,
      );

      expect(killed).toMatchObject({
        functionError: 'Unhandled',
        payload: {
          errorType: 'Sandbox.Timedout',
          errorMessage: expect.stringContaining('timed out after 4.00'),
        },
      });
      expect(await deployed.platform.store.get('Execution', 'stubborn-1')).toMatchObject({
        latestStatus: { status: 'inProgress' },
        lease: { holder: expect.any(String) },
      });
      expect(await request('train', { method: 'GET' })).toMatchObject({ statusCode: 200 });
      expect(train.coldStarts).toBe(before + 1);
    });

    it('the state machine trains a snapshot', async () => {
      const sliced = await deployed.newSnapshot('sliced');

      const result = await runDeployed(deployed, 'TrainMachine', { inputs: { snapshot: sliced.id } });

      expect(result).toMatchObject({
        status: 'SUCCEEDED',
        output: { status: 'trained', snapshot: { id: sliced.id } },
      });
    });

    it('the state machine fails under the code of what a training failed with', async () => {
      const result = await runDeployed(deployed, 'TrainMachine', { inputs: { snapshot: 'nobody' } });

      expect(result).toMatchObject({ status: 'FAILED', error: 'EntityNotFound' });
    });

    it('the distributed map predicts every item of a dataset once', async () => {
      const { platform, datasetId } = deployed;
      const predicted = { 'metadata.user.model.snapshot_id': snapshot.id };
      const all = await platform.store.count('Item', { filter: { type: 'file' }, scope: { datasetId } });

      const inputs = { snapshot: snapshot.id, items: { dataset: datasetId } };
      const result = await runDeployed(deployed, 'PredictDatasetMachine', { inputs });

      expect(result).toEqual({
        status: 'SUCCEEDED',
        output: { items: all, annotations: all, failed: 0 },
      });
      expect(await platform.store.count('Annotation', { filter: predicted })).toBe(all);
    });

    it("prints nothing of the container's credentials", async () => {
      for (const name of FUNCTIONS) expect((await deployed.use(name)).output).not.toContain('planted-');
    });
  });
}

/** Runs a state machine of the template, its tasks in the containers; waits pass at once. */
async function runDeployed(deployed: DeployedFunctions, id: string, input: Json): Promise<MachineResult> {
  const { Definition, DefinitionSubstitutions, StateMachineName } =
    deployed.template.Resources[id]!.Properties;
  const arns = resolve(deployed.template, DefinitionSubstitutions!) as Record<string, string>;
  const text = JSON.stringify(Definition).replace(/\$\{(\w+)\}/g, (_all, name: string) => arns[name]!);
  return runMachine({
    machine: JSON.parse(text) as Machine,
    input,
    execution: { id: `${StateMachineName}:${id}`, name: `run-of-${id}`, startTime: '2026-01-31T12:00:00Z' },
    runTask: async ({ arguments: given, timeoutMs }) => {
      const { FunctionName, Payload } = given as { FunctionName: string; Payload: Json };
      const lambda = await deployed.use(FunctionName.split('modelfn-test-')[1]!);
      const invoked = await lambda.invoke(Payload, timeoutMs);
      if (invoked.functionError === undefined) return { Payload: invoked.payload, StatusCode: 200 };
      const { errorType, errorMessage } = invoked.payload;
      throw Object.assign(new Error(errorMessage), { name: errorType });
    },
    wait: () => Promise.resolve(),
    now: Date.now,
  });
}

/** What a function answered. @throws when it failed */
function answerOf(invoked: Invoked): Json {
  if (invoked.functionError === undefined) return invoked.payload;
  throw new Error(`${invoked.payload.errorType}: ${invoked.payload.errorMessage}`);
}
