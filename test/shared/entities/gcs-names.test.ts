import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { bucketSpecSchema } from '../../../shared/entities/bucket-spec.ts';
import { codebaseSpecSchema } from '../../../shared/entities/codebase-spec.ts';

const SPEC = {
  type: 'gcs',
  gcsProjectName: 'my-project-1',
  gcsBucketName: 'my-weights',
  gcsPrefix: 'models/v1',
};
const isBucket = (fields: object) => z.safeParse(bucketSpecSchema, { ...SPEC, ...fields }).success;
const isCodebase = (fields: object) => z.safeParse(codebaseSpecSchema, { ...SPEC, ...fields }).success;

describe('a gcs spec', () => {
  it.each(['my-weights', 'a1b', 'with_underscore', 'www.example.com', 'a'.repeat(63)])(
    'takes the bucket name %s',
    (gcsBucketName) => expect(isBucket({ gcsBucketName })).toBe(true),
  );

  it.each([
    '',
    'ab',
    'a'.repeat(64),
    'Upper',
    '-edge',
    'edge_',
    'with space',
    'a/b',
    '..',
    'a..b',
    'a.-b.c',
    '192.168.5.4',
    'goog-mine',
    'my-google-bucket',
    'a?x=1',
    'a%2fb',
    'a\nb',
    `${'a'.repeat(63)}.${'b'.repeat(64)}`,
  ])('refuses the bucket name %j', (gcsBucketName) => expect(isBucket({ gcsBucketName })).toBe(false));

  it.each(['', 'models', 'models/', 'models/v1', 'ü/重み'])('takes the prefix %j', (gcsPrefix) =>
    expect(isBucket({ gcsPrefix })).toBe(true),
  );

  it.each(['/', '/models', '../up', 'a/../b', 'a//b', 'a\\b', 'a\0', './a', 'a//', 'x'.repeat(1025)])(
    'refuses the prefix %j',
    (gcsPrefix) => expect(isBucket({ gcsPrefix })).toBe(false),
  );

  it('needs the name of an object for a codebase', () => {
    expect(isCodebase({ gcsPrefix: 'code/adapter.zip' })).toBe(true);
    for (const gcsPrefix of ['', 'code/', '../code.zip', undefined])
      expect(isCodebase({ gcsPrefix })).toBe(false);
  });

  it.each([
    ['my-project-1', true],
    ['example.com:my-project', true],
    ['', false],
    ['My Project', false],
    ['short', false],
    ['a/../b-project', false],
  ])('takes the project %j: %s', (gcsProjectName, isTaken) =>
    expect(isBucket({ gcsProjectName })).toBe(isTaken),
  );
});
