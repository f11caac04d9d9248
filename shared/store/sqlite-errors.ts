import { messageOf } from '../errors.ts';
import { StoreCorrupt, StoreUnavailable } from './errors.ts';

/** SQLite's own result codes: https://www.sqlite.org/rescode.html */
const RESULT = {
  error: 1,
  busy: 5,
  locked: 6,
  readonly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  constraint: 19,
  notADatabase: 26,
};

/** The columns of a violated uniqueness, e.g. `dataset_id, filename`; `undefined` for any other error. */
export function takenColumns(error: unknown): string | undefined {
  if ((resultOf(error) & 0xff) !== RESULT.constraint) return undefined;
  const [, columns] = /UNIQUE constraint failed: (.+)$/.exec(messageOf(error)) ?? [];
  return columns?.replaceAll(/\w+\./g, '');
}

/** True when another connection holds what was asked for. */
export function isBusy(error: unknown): boolean {
  return (resultOf(error) & 0xff) === RESULT.busy;
}

/** True when a statement failed because a JSON function met a text that it cannot read, or that is nested too deeply. */
export function isMalformedJson(error: unknown): boolean {
  return resultOf(error) === RESULT.error && messageOf(error) === 'malformed JSON';
}

/** Runs `work`; what SQLite throws comes out in our words. @throws StoreUnavailable, StoreCorrupt */
export function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translated(error);
  }
}

function translated(error: unknown): unknown {
  const advice: Partial<Record<number, string>> = {
    [RESULT.busy]: 'Another process holds it; try again.',
    [RESULT.locked]: 'Another process holds it; try again.',
    [RESULT.readonly]: 'Make the state folder and the files in it writable.',
    [RESULT.ioError]: 'Check the disk and the state folder.',
    [RESULT.full]: 'The disk is full: make room, then try again. Nothing was half-written.',
    [RESULT.cantOpen]: 'Check that the state folder is there and writable.',
  };
  const result = resultOf(error) & 0xff;
  if (result === RESULT.corrupt || result === RESULT.notADatabase) return new StoreCorrupt(error);
  const known = advice[result];
  return known === undefined ? error : new StoreUnavailable(error, known);
}

function resultOf(error: unknown): number {
  const code: unknown =
    typeof error === 'object' && error !== null ? (error as { errcode?: unknown }).errcode : 0;
  return typeof code === 'number' ? code : 0;
}
