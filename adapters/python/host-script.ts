import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The one to start. */
export const HOST_NAME = 'modelfn_host.py';

const FOLDER = join(import.meta.dirname, 'host');

/** The Python files of the host, by name. A bundle carries their text instead of this module. */
export const HOST_FILES: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.py'))
    .map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')]),
);
