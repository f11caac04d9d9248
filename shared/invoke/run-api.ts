import type { RequestListener } from 'node:http';
import type { RunApi } from '../../adapters/built-in-adapters.ts';
import { type Actor, maySee } from '../auth/actor.ts';
import { messageOf } from '../errors.ts';
import { derivedId } from '../ids.ts';
import { currentRun } from './current-run.ts';
import type { Run } from './run.ts';

const opened = new WeakMap<Run, RunApi>();

/**
 * The entity API as the adapter of the present run may use it: of all projects it shows that of the run, and what it writes
 * the run writes, so that it is refused once another container took the run over. It begins and changes no other run.
 * `undefined` outside of a run, and in one whose project is not known.
 */
export function currentRunApi(): RunApi | undefined {
  const run = currentRun();
  if (run?.projectId === undefined) return undefined;
  const api = opened.get(run) ?? { email: run.actor.email, answer: answerFor(run, run.projectId) };
  opened.set(run, api);
  return api;
}

/** The API is imported when the first request comes: most adapters never ask. */
function answerFor(run: Run, projectId: string): RequestListener {
  let opening: Promise<RequestListener> | undefined;
  return (request, response) => {
    opening ??= open(run, projectId);
    opening.then(
      (app) => app(request, response),
      (error: unknown) => {
        run.log.error('the API cannot be opened for an adapter', { error: messageOf(error) });
        response.writeHead(500).end();
      },
    );
  };
}

async function open(run: Run, projectId: string): Promise<RequestListener> {
  const { createRunApp } = await import('../api/run-app.ts');
  const actor: Actor = {
    email: run.actor.email,
    projectIds: maySee(run.actor, projectId) ? [projectId] : [],
  };
  let points = 0;
  const nextSampleId = (): string => {
    points += 1;
    return derivedId('metric of the API', run.executionId, points);
  };
  const { platform, executionId } = run;
  return createRunApp({ platform, actor, executionId, nextSampleId });
}
