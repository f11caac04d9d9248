import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WorkerPool } from '../../../cli/local/worker-pool.ts';
import { splitVariables } from '../../../cli/local/worker-variables.ts';
import { captureEnvironment } from '../../../shared/config.ts';
import { silentLog } from '../../../shared/log.ts';
import { buildFixtures } from './fixture-functions.ts';

const PLANTED = 'hunter2-planted';

/** Shows what its own code finds while it is imported, and what an adapter, imported later, finds. */
const SHOW = `
import { readFileSync } from 'node:fs';
const atImport = process.env.MODELFN_SECRET_TOKEN;
export const handler = async () => ({
  atImport,
  variables: Object.keys(process.env),
  initial: readFileSync('/proc/self/environ', 'latin1'),
  input: readFileSync(0, 'latin1'),
});
`;

describe('variables of the server', () => {
  it('reach the own code of a worker, and neither its adapters nor its initial environment', async () => {
    const bundles = await buildFixtures({ show: SHOW });
    const env = { MODELFN_SECRET_TOKEN: PLANTED, DATABASE_URL: PLANTED, LC_ALL: 'C', TZ: 'UTC' };
    const options = { functionName: 'show', bundle: bundles.get('show')!, size: 1, env, log: silentLog };
    const pool = new WorkerPool(options);
    onTestFinished(() => pool.close());

    const shown = (await pool.invoke({})) as Record<string, string> & { variables: string[] };

    expect(shown.atImport).toBe(PLANTED);
    expect(shown.variables).toEqual(expect.arrayContaining(['LC_ALL', 'TZ']));
    expect(shown.variables).not.toContain('MODELFN_SECRET_TOKEN');
    expect(shown.variables).not.toContain('DATABASE_URL');
    expect(shown.initial).toContain('TZ=UTC');
    expect(shown.initial).not.toContain(PLANTED);
    expect(shown.input).toBe('');
  });

  it('are visible to adapters only when they are on the list', () => {
    const { visible, hidden } = splitVariables({
      PATH: '/bin',
      HOME: '/people/me',
      https_proxy: 'http://proxy',
      MODELFN_STORE: 'postgres://u:p@h/d',
      AWS_SECRET_ACCESS_KEY: 'x',
      PGPASSWORD: 'x',
      GITHUB_TOKEN: 'x',
      NOT_SET: undefined,
    });

    expect(Object.keys(visible)).toEqual(['PATH', 'HOME', 'https_proxy']);
    expect(Object.keys(hidden)).toEqual([
      'MODELFN_STORE',
      'AWS_SECRET_ACCESS_KEY',
      'PGPASSWORD',
      'GITHUB_TOKEN',
    ]);
  });

  it.runIf(process.platform === 'linux')(
    'are erased from the initial environment of the server and stay in its own',
    async () => {
      const module = join(import.meta.dirname, '..', '..', '..', 'cli', 'local', 'initial-environment.ts');
      const program = `
        const { eraseInitialEnvironment } = await import(${JSON.stringify(module)});
        const { readFileSync } = await import('node:fs');
        const done = eraseInitialEnvironment((name) => name === 'KEPT');
        const { TOKEN, KEPT, EMPTY } = process.env;
        console.log(JSON.stringify({ done, TOKEN, KEPT, EMPTY, initial: readFileSync('/proc/self/environ', 'latin1') }));
      `;

      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
        env: { TOKEN: PLANTED, KEPT: 'kept', EMPTY: '' },
      });

      const shown = JSON.parse(stdout) as Record<string, string>;
      expect(shown).toMatchObject({ done: true, TOKEN: PLANTED, KEPT: 'kept', EMPTY: '' });
      expect(shown.initial).toContain('KEPT=kept');
      expect(shown.initial).not.toContain(PLANTED);
    },
  );

  it('of modelfn are removed in a Lambda container once its configuration is captured', () => {
    const env = {
      AWS_LAMBDA_FUNCTION_NAME: 'modelfn-dev-predict',
      AWS_REGION: 'eu-west-1',
      MODELFN_SECRET_TOKEN: PLANTED,
      MODELFN_HOME: '/tmp/modelfn',
    };

    const captured = captureEnvironment(env);

    expect(env).toEqual({ AWS_LAMBDA_FUNCTION_NAME: 'modelfn-dev-predict', AWS_REGION: 'eu-west-1' });
    expect(captured.config()).toMatchObject({ home: '/tmp/modelfn' });
    expect(captured.config().secrets.get('MODELFN_SECRET_TOKEN')).toBe(PLANTED);
    expect(captured.redact()(PLANTED)).toBe('[MODELFN_SECRET_TOKEN]');
  });

  it('stay where they are outside of Lambda when the configuration is captured', () => {
    const env = { MODELFN_HOME: '/state' };

    expect(captureEnvironment(env).config().home).toBe('/state');
    expect(env).toEqual({ MODELFN_HOME: '/state' });
  });
});
