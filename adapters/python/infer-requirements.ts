import type { PythonSource } from './read-source.ts';

/**
 * The last Dataloop SDK with snapshots but two, which runs on Python 3.8 to 3.12, and upper bounds of what it needs: it has none of
 * its own, and does not import with later ones.
 */
const SDK = 'dtlpy==1.61.17';
const SDK_BOUNDS = ['urllib3<2', 'numpy<2', 'pandas<3', 'pydantic<2', 'setuptools<81'];

/**
 * Requirements that the code has and its `requirements.txt` does not tell: the Dataloop SDK, when the code imports it. On the
 * platform of the SDK it is always there, so adapters rarely name it, or name it without a version.
 */
export function inferRequirements(
  { imports, installed }: Pick<PythonSource, 'imports' | 'installed'>,
  requirements: readonly string[],
): string[] {
  if (!imports.includes('dtlpy')) return [];
  // A file in which every package has a hash cannot get a package without one.
  if (requirements.some((line) => /\s--hash=|^--require-hashes/.test(line))) return [];
  const named = readNames(requirements);
  // Without requirements the interpreter itself runs the adapter, and may have the SDK.
  if (named.size === 0 && installed.includes('dtlpy')) return [];
  if (named.get('dtlpy') === 'bound') return [];
  return [SDK, ...SDK_BOUNDS].filter((line) => named.get(nameOf(line)) !== 'bound');
}

/** Packages that the lines name, and whether they say which version. */
function readNames(requirements: readonly string[]): Map<string, 'bound' | 'any'> {
  const named = new Map<string, 'bound' | 'any'>();
  for (const text of requirements) {
    if (!/^[a-z0-9]/i.test(text)) continue;
    const [bare = ''] = text.split(';');
    const isBound = /[<>=~!@]/.test(bare);
    named.set(nameOf(bare), isBound ? 'bound' : 'any');
  }
  return named;
}

/** The package's name, as package indexes compare names. */
function nameOf(line: string): string {
  const [name = ''] = /^[a-z0-9._-]*/i.exec(line.trim()) ?? [];
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}
