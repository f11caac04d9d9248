import { describe, expect, it } from 'vitest';
import { readConfig } from '../../shared/config.ts';

describe('the settings of gcs', () => {
  const gcsOf = (env: Record<string, string>) => readConfig(env, '/here').gcs;

  it("default to Google's own credentials, and to none where an emulator is named", () => {
    expect(gcsOf({})).toMatchObject({ credentials: 'adc', endpoint: undefined, buckets: undefined });
    expect(gcsOf({ STORAGE_EMULATOR_HOST: 'localhost:4443' })).toMatchObject({
      credentials: 'anonymous',
      endpoint: 'http://localhost:4443',
    });
    expect(
      gcsOf({ MODELFN_GCS_ENDPOINT: 'https://storage.example', MODELFN_GCS_CREDENTIALS: 'adc' }),
    ).toMatchObject({
      credentials: 'adc',
      endpoint: 'https://storage.example',
    });
  });

  it('prefer our endpoint to the one other tools read, and take a key file relative to the folder', () => {
    const gcs = gcsOf({
      MODELFN_GCS_ENDPOINT: 'http://127.0.0.1:1/',
      STORAGE_EMULATOR_HOST: 'http://127.0.0.1:2',
      MODELFN_GCS_CREDENTIALS: 'keys/gcs.json',
      MODELFN_GCS_BUCKETS: 'weights, shared/team-a/,',
    });

    expect(gcs).toMatchObject({
      credentials: '/here/keys/gcs.json',
      endpoint: 'http://127.0.0.1:1',
      buckets: ['weights', 'shared/team-a'],
    });
  });

  it.each(['ftp://host', 'http://user:secret@host', 'http://'])(
    'refuse an endpoint that is none: %s',
    (endpoint) => {
      expect(() => gcsOf({ MODELFN_GCS_ENDPOINT: endpoint })).toThrow(
        expect.objectContaining({
          code: 'InvalidConfig',
          message: expect.stringContaining('MODELFN_GCS_ENDPOINT'),
        }),
      );
    },
  );

  it('take the name of a variable that holds the key, and say when there is none', () => {
    const env = { MODELFN_GCS_CREDENTIALS: 'MODELFN_SECRET_GCS' };
    const gcs = gcsOf({ ...env, MODELFN_SECRET_GCS: '{"type":"service_account"}' });

    expect(gcs.credentials).toBe('MODELFN_SECRET_GCS');
    expect(JSON.stringify(gcs)).not.toContain('service_account');
    expect(() => gcsOf(env)).toThrow(
      expect.objectContaining({
        code: 'InvalidConfig',
        message: expect.stringContaining('there is no such variable'),
      }),
    );
  });

  it('refuse to send credentials over http to another machine', () => {
    const env = { MODELFN_GCS_ENDPOINT: 'http://storage.example', MODELFN_GCS_CREDENTIALS: 'adc' };

    expect(() => gcsOf(env)).toThrow(
      expect.objectContaining({ code: 'InvalidConfig', message: expect.stringContaining('over http') }),
    );
    expect(gcsOf({ ...env, MODELFN_GCS_CREDENTIALS: 'anonymous' }).endpoint).toBe('http://storage.example');
  });
});
