import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDERS = ['adapters', 'cli', 'conformance', 'functions', 'shared'];

interface ErrorClass {
  name: string;
  parent: string;
  /** The literal code; undefined when it is taken from an argument. */
  code: string | undefined;
  isRetryable: boolean;
}

/**
 * Codes of all error classes in the sources that are retryable: by a field of their own, whatever decides its value, or by
 * inheritance. A class without a literal code is listed by its name.
 */
export async function findRetryableCodes(): Promise<string[]> {
  const classes = new Map((await readClasses()).map((each) => [each.name, each]));
  const inherits = (each: ErrorClass | undefined): boolean =>
    each !== undefined && (each.isRetryable || inherits(classes.get(each.parent)));
  return [...classes.values()].filter(inherits).map(({ code, name }) => code ?? name);
}

async function readClasses(): Promise<ErrorClass[]> {
  const found: ErrorClass[] = [];
  for (const folder of FOLDERS)
    for (const path of await readdir(join(ROOT, folder), { recursive: true }))
      if (path.endsWith('.ts')) found.push(...parseClasses(await readFile(join(ROOT, folder, path), 'utf8')));
  return found;
}

/** Classes of a file that extend another one. A class ends where the next one begins: enough for fields. */
function parseClasses(source: string): ErrorClass[] {
  return source.split(/^(?=(?:export )?(?:default )?(?:abstract )?class )/m).flatMap((text) => {
    const [, name, parent] = /^[\w ]*class (\w+)(?:<[^>]*>)? extends (\w+)/.exec(text) ?? [];
    if (name === undefined || parent === undefined) return [];
    const code = /readonly code(?:: string)? = '(\w+)'/.exec(text)?.[1];
    return [{ name, parent, code, isRetryable: /readonly retryable\b(?!(?:: boolean)? = false)/.test(text) }];
  });
}
