import { expect, it } from 'vitest';
import { readConfig, toEnvironment } from '../../../shared/config.ts';

it('a worker reads the very configuration that its server has', () => {
  const config = readConfig(
    {
      MODELFN_HOME: '/state',
      PORT: '0',
      HOST: 'localhost',
      MODELFN_LOCAL_ROOTS: '/data/models:/scratch',
      MODELFN_SNAPSHOT: '61f8245d0f6f7a1100000040',
      MODELFN_MAX_ITEM_BYTES: '1000',
      MODELFN_CACHE_BYTES: '0',
      MODELFN_MAX_LOADED_SNAPSHOTS: '3',
      MODELFN_LOADED_BYTES: '4000',
      MODELFN_WORKERS: '5',
      MODELFN_LEASE_SECONDS: '3',
      MODELFN_LOG_LEVEL: 'debug',
      MODELFN_CONTENT: 'gcs://contents/of/team-a',
      MODELFN_RELAY: 'modelfn-dev-relay',
      MODELFN_EVENT_BUS: 'modelfn-dev',
      MODELFN_EVENT_DEAD_LETTERS: 'https://sqs.eu-west-1.amazonaws.com/123456789012/letters',
      MODELFN_FUNCTIONS: 'arn:aws:lambda:eu-west-1:123456789012:function:modelfn-dev-*',
      MODELFN_SCHEDULE_GROUP: 'modelfn-dev',
      MODELFN_SCHEDULE_ROLE: 'arn:aws:iam::123456789012:role/schedules',
      MODELFN_PIPELINES: 'arn:aws:states:eu-west-1:123456789012:stateMachine:modelfn-dev-pipeline-*',
      MODELFN_PIPELINE_ROLE: 'arn:aws:iam::123456789012:role/pipelines',
      MODELFN_GCS_CREDENTIALS: 'keys/gcs.json',
      STORAGE_EMULATOR_HOST: 'localhost:4443',
      MODELFN_GCS_BUCKETS: 'weights, shared/team-a/',
      MODELFN_PYTHON: '/opt/python',
      MODELFN_PYTHON_MEMORY_BYTES: '1000',
      MODELFN_PYTHON_SOURCES: 'https://wheels.example/cpu, /srv/wheels',
      PATH: '/bin',
      PIP_INDEX_URL: 'https://packages.example',
    },
    '/somewhere',
  );

  const env = toEnvironment(config, {
    SHELL: '/bin/sh',
    MODELFN_HOME: '/elsewhere',
    STORAGE_EMULATOR_HOST: 'localhost:1',
  });

  expect(readConfig(env, '/another')).toEqual(config);
  expect(env).toMatchObject({ PATH: '/bin', SHELL: '/bin/sh' });
  expect(readConfig(toEnvironment(readConfig({}, '/here'), {}), '/there')).toEqual(readConfig({}, '/here'));
});
