import { availableParallelism } from 'node:os';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { cpusGiven, readConfig, toEnvironment } from '../../shared/config.ts';

describe('the bucket of snapshots that are given none', () => {
  it.each([
    ['gcs://weights/team/a?project=my-project', { bucketName: 'weights', prefix: 'team/a' }],
    ['gcs://weights/?project=my-project', { bucketName: 'weights', prefix: '' }],
  ])('is read and handed on: %s', (text, place) => {
    const config = readConfig({ MODELFN_BUCKET: text }, '/here');

    expect(config.bucket).toEqual({ ...place, projectName: 'my-project' });
    expect(toEnvironment(config, {}).MODELFN_BUCKET).toBe(text);
  });

  it.each([
    'gcs://weights/team',
    'gcs://w?project=my-project',
    'gcs://weights?project=X',
    's3://weights?project=my-project',
  ])('is refused when it is none: %s', (text) => {
    expect(() => readConfig({ MODELFN_BUCKET: text }, '/here')).toThrow(
      expect.objectContaining({ code: 'InvalidConfig', message: expect.stringContaining('MODELFN_BUCKET') }),
    );
  });
});

describe('secrets in the environment', () => {
  const env = { MODELFN_SECRET_GIT_TOKEN: 'hunter2', MODELFN_SECRET_EMPTY: '', AWS_SECRET_ACCESS_KEY: 'aws' };

  it('are found by the names that entities may use, and by no other', () => {
    const { secrets } = readConfig(env, '/here');

    expect(secrets.get('MODELFN_SECRET_GIT_TOKEN')).toBe('hunter2');
    expect(secrets.get('AWS_SECRET_ACCESS_KEY')).toBeUndefined();
    expect(secrets.names).toEqual(['MODELFN_SECRET_GIT_TOKEN']);
  });

  it('are not printed with the configuration', () => {
    const config = readConfig(env, '/here');

    for (const text of [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      `${config.secrets}`,
    ])
      expect(text).not.toContain('hunter2');
  });

  it('are handed to the processes that are started with the configuration', () => {
    const passed = toEnvironment(readConfig({ ...env, MODELFN_GIT_HOSTS: 'github.com' }, '/here'), {});

    expect(passed).toMatchObject({
      MODELFN_SECRET_GIT_TOKEN: 'hunter2',
      MODELFN_GIT_HOSTS: 'https://github.com',
    });
  });

  it('have a name of capitals, digits and underscores', () => {
    expect(() => readConfig({ MODELFN_SECRET_token: 'hunter2' })).toThrow(
      expect.objectContaining({ code: 'InvalidConfig', message: expect.not.stringContaining('hunter2') }),
    );
  });
});

it('a list of git hosts that is none is told with an example', () => {
  expect(() => readConfig({ MODELFN_GIT_HOSTS: 'https://host/path' })).toThrow(
    expect.objectContaining({ code: 'InvalidConfig', message: expect.stringContaining('github.com') }),
  );
});

it.each([
  ['128', 1],
  ['1769', 1],
  ['3537', 1],
  ['10240', 5],
  [undefined, availableParallelism()],
  ['no number', availableParallelism()],
])('takes as many cores as Lambda gives for %s MB', (memory, cpus) => {
  const given = cpusGiven({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory });

  expect(given).toBe(Math.min(cpus, availableParallelism()));
});
