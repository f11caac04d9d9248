import { DatabaseSync } from 'node:sqlite';
import type { Platform } from '../../shared/platform.ts';
import { stateFolder } from '../../shared/state-folder.ts';

/** Rewrites a stored document behind modelfn's back: as an earlier version wrote it, or as a fault of the disk left it. */
export function rewriteDocument(
  { config }: Pick<Platform, 'config'>,
  table: string,
  id: string,
  change: (doc: string) => string,
): void {
  const database = new DatabaseSync(stateFolder(config.home).store);
  try {
    const { doc } = database.prepare(`select doc from ${table} where id = ?`).get(id) as { doc: string };
    database.prepare(`update ${table} set doc = ? where id = ?`).run(change(doc), id);
  } finally {
    database.close();
  }
}

/** Adds a field that is deeper than SQLite's JSON functions read, and than today's limits allow. */
export const withDeepInput = (doc: string): string =>
  doc.replace(/"input":\{/, `"input":{"deep":${'['.repeat(2_000)}${']'.repeat(2_000)}`).replace(/\]"/, '],"');

/** Cuts a document off. */
export const cutOff = (doc: string): string => doc.slice(0, doc.length / 2);
