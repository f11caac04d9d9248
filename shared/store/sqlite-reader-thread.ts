import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { mayPass } from '../each-alone.ts';
import { hasCode, messageOf } from '../errors.ts';
import type { Compiled } from './sql-dialect.ts';
import { SqliteDatabase } from './sqlite-database.ts';

/** A query for a thread. */
export type ReaderRequest = Compiled;

/** Its rows, or why there are none. */
export type ReaderAnswer =
  | { rows: unknown[] }
  | { message: string; errcode: number; isTooSlow: boolean; mayPass: boolean };

/** Address of this module: the code of a thread is the module itself, also in a bundle. */
export const THREAD_URL = import.meta.url;

interface ReaderData {
  path: string;
  limitMs: number;
}

const data = isMainThread ? undefined : (workerData as { modelfnReader?: ReaderData } | null)?.modelfnReader;
if (data !== undefined) serve(data);

function serve({ path, limitMs }: ReaderData): void {
  let database: SqliteDatabase | undefined;
  parentPort!.on('message', (query: ReaderRequest) => {
    let answer: ReaderAnswer;
    try {
      database ??= new SqliteDatabase(path);
      answer = { rows: database.rowsWithin(query, limitMs) };
    } catch (error) {
      answer = {
        message: messageOf(error),
        errcode: Number((error as { errcode?: unknown } | null)?.errcode ?? 0),
        isTooSlow: hasCode(error, 'QueryTooSlow'),
        mayPass: mayPass(error),
      };
    }
    parentPort!.postMessage(answer);
  });
}
