import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sha256Of } from '../../../../shared/content/file-digest.ts';
import { canonicalJson } from '../../../../shared/json.ts';

/**
 * A digest of all that a killed process left in its state folder: every row of the store, as whoever opens it next reads
 * them, and every file with its bytes. Names that are drawn at random count by their place alone. Most calls read: a kill
 * ahead of them leaves what a kill ahead of the call before left.
 */
export async function stateLeft(home: string): Promise<string> {
  const files: [string, string][] = [];
  for (const entry of await readdir(home, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name).slice(home.length + 1);
    if (!entry.isFile() || path.startsWith('store.sqlite')) continue;
    files.push([withoutRandomNames(path), sha256Of(await readFile(join(home, path)))]);
  }
  files.sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));
  return sha256Of(canonicalJson([rowsOf(join(home, 'store.sqlite')), files]));
}

function rowsOf(path: string): unknown {
  const database = new DatabaseSync(path);
  try {
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
    return tables.map(({ name }) => [name, database.prepare(`select * from "${name}"`).all()]);
  } finally {
    database.close();
  }
}

/** Temporary files, and folders of a process, are named by chance. */
function withoutRandomNames(path: string): string {
  return path
    .replace(/((?:^|\/)(?:tmp|\.modelfn-tmp|handed)\/)[^/]+/, '$1*')
    .replace(/(^|\/)(\.probe|modelfn-save|modelfn-checkpoint)-[^/]+/, '$1$2-*');
}
