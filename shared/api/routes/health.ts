import { Router } from 'express';
import { toErrorBody } from '../../errors.ts';
import type { Platform } from '../../platform.ts';
import { probeStateFolder } from '../../state-folder-probe.ts';
import { probeStore } from '../../store/probe-store.ts';
import { VERSION } from '../../version.ts';
import type { ApiContext } from '../context.ts';

/** One check answers all requests of this time, so that frequent probes write to the disk once. */
const FRESH_MS = 1_000;

type Problem = { part: 'stateFolder' | 'store'; code: string; message: string };

/** Reports whether the API can answer and can store data. */
export function healthRoutes({ platform }: ApiContext): Router {
  const router = Router();
  let last: { at: number; problems: Promise<Problem[]> } | undefined;

  /** 200 when store and state folder can be written; 503 with each problem otherwise. */
  router.get('/health', async (_request, response) => {
    const now = performance.now();
    if (last === undefined || now - last.at > FRESH_MS) last = { at: now, problems: findProblems(platform) };
    const problems = await last.problems;
    const status = problems.length === 0 ? 'ok' : 'failing';
    response
      .status(problems.length === 0 ? 200 : 503)
      .json({ status, version: VERSION, store: platform.store.kind, problems });
  });

  return router;
}

/** Never rejects. */
async function findProblems({ config, store }: Platform): Promise<Problem[]> {
  const looks = [
    ['stateFolder', probeStateFolder(config.home)],
    ['store', probeStore(store)],
  ] as const;
  const found = await Promise.all(
    looks.map(([part, look]) =>
      look.then(
        () => [],
        (error: unknown) => {
          const { code, message } = toErrorBody(error);
          return [{ part, code, message }];
        },
      ),
    ),
  );
  return found.flat();
}
