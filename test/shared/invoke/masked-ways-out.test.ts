import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { printError } from '../../../cli/output/print.ts';
import { errorHandler } from '../../../shared/api/error-handler.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { readExecutionLogs } from '../../../shared/catalog/execution-logs.ts';
import { type Config, readConfig } from '../../../shared/config.ts';
import { compact, ModelfnError } from '../../../shared/errors.ts';
import { defineFunction, type FunctionSpec } from '../../../shared/invoke/function-spec.ts';
import { createContainer, createHandler } from '../../../shared/invoke/handler.ts';
import { invoke } from '../../../shared/invoke/invoke.ts';
import type { Json } from '../../../shared/json.ts';
import { jsonLog } from '../../../shared/log.ts';
import { openPlatform } from '../../../shared/open-platform.ts';
import { redactorOf } from '../../../shared/redact.ts';
import { httpRequest } from '../../support/events.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';

const PLANTED = 'hunter2-planted';
const ENVIRONMENT = { MODELFN_SECRET_TOKEN: PLANTED };

/** An error that carries the secret in each place an error has. */
class LeakyFailure extends ModelfnError {
  override readonly name = 'LeakyFailure';
  readonly code = 'LeakyFailure';
  readonly statusCode = 500;
  constructor() {
    super(`no access with ${PLANTED}`, {
      details: compact({ url: `https://me:${PLANTED}@host/`, nested: { tokens: [PLANTED] } }),
      cause: new Error(`inner ${PLANTED}`),
    });
  }
}

function leaking(mode: FunctionSpec['mode']) {
  return defineFunction({
    name: 'leaky',
    description: 'fails with a secret in its error',
    mode,
    inputs: {},
    run: async (_inputs, run) => {
      run.progress(10, `reading with ${PLANTED}`);
      run.log.info(`trying ${PLANTED}`, { token: PLANTED });
      throw new LeakyFailure();
    },
  });
}

const call = { functionName: 'leaky', input: {}, caller: 'event', actor: LOCAL_ACTOR } as const;

describe('a secret of the environment', () => {
  let space: TinyWorkspace;
  let config: Readonly<Config>;

  beforeEach(async () => {
    space = await openTinyWorkspace({ config: { secrets: readConfig(ENVIRONMENT).secrets } });
    config = space.platform.config;
  });
  afterEach(() => space.platform.close());

  it.each(['background', 'inPlace'] as const)(
    'is masked in the stored execution of a run that is %s',
    async (mode) => {
      const { execution } = await invoke(space.container, leaking(mode), call);

      const stored = await space.platform.store.get('Execution', execution.id);
      const { logs } = await readExecutionLogs(space.platform, LOCAL_ACTOR, execution.id);
      expect(JSON.stringify([stored, logs])).not.toContain(PLANTED);
      expect(stored?.error).toEqual({
        statusCode: 500,
        code: 'LeakyFailure',
        message: 'no access with [MODELFN_SECRET_TOKEN]',
        details: { url: 'https://***@host/', nested: { tokens: ['[MODELFN_SECRET_TOKEN]'] } },
      });
    },
  );

  it('is masked in the failures of single items of an output', async () => {
    const spec = defineFunction({
      name: 'leaky',
      description: 'answers failures of items',
      mode: 'inPlace',
      inputs: {},
      run: async () => ({ failed: [{ item: 'i1', message: `no access with ${PLANTED}` }] }),
    });

    const { output } = await invoke(space.container, spec, call);

    expect(output).toEqual({ failed: [{ item: 'i1', message: 'no access with [MODELFN_SECRET_TOKEN]' }] });
  });

  it('is masked in the answer over HTTP and in the error that a pipeline gets, with its causes', async () => {
    const handler = createHandler(leaking('inPlace'), space.builtIns, async () => space.platform);

    const reply = await handler(httpRequest({ body: { inputs: {} } }));
    const thrown = await handler({ inputs: {} }).catch((error: unknown) => error as LeakyFailure);

    expect(reply).toMatchObject({ statusCode: 500, body: expect.stringContaining('LeakyFailure') });
    expect(JSON.stringify(reply)).not.toContain(PLANTED);
    const { name, message, stack, details, cause } = thrown as LeakyFailure;
    expect(name).toBe('LeakyFailure');
    expect(
      JSON.stringify([message, stack, details, (cause as Error).message, (cause as Error).stack]),
    ).not.toContain(PLANTED);
  });

  it('is masked in the answers of the entity API', async () => {
    const lines: string[] = [];
    const app = express();
    app.get('/', () => {
      throw new LeakyFailure();
    });
    const log = jsonLog('debug', (line) => lines.push(line));
    app.use(errorHandler(log, redactorOf(config)));
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };

    const body = (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Json;
    server.close();

    expect(body).toMatchObject({ code: 'LeakyFailure', message: 'no access with [MODELFN_SECRET_TOKEN]' });
    expect(JSON.stringify(body)).not.toContain(PLANTED);
  });

  it('is masked in the log of the process, whatever its level and field', async () => {
    const lines: string[] = [];
    const env = { ...ENVIRONMENT, MODELFN_HOME: temporaryFolder() };
    const log = jsonLog('debug', (line) => lines.push(line));
    const platform = await openPlatform(readConfig(env), { log });

    platform.log.debug(`debug ${PLANTED}`);
    platform.log.error('request failed', {
      stack: `at ${PLANTED}`,
      nested: [{ url: `https://${PLANTED}@host` }],
    });
    await invoke(createContainer(platform, space.builtIns), leaking('background'), call);
    await platform.close();

    expect(lines.length).toBeGreaterThanOrEqual(3);
    expect(lines.join('')).not.toContain(PLANTED);
    expect(lines.join('')).toContain('[MODELFN_SECRET_TOKEN]');
  });

  it('is masked in what the command line prints', () => {
    const printed: string[] = [];
    const stream = { write: (text: string) => printed.push(text) };
    const io = { stdout: stream, stderr: stream, env: ENVIRONMENT } as unknown as Parameters<
      typeof printError
    >[0];

    printError(io, new LeakyFailure(), { json: true, verbose: true });

    expect(printed.join('')).toContain('LeakyFailure');
    expect(printed.join('')).not.toContain(PLANTED);
  });
});
