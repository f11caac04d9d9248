import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { HostedCode } from '../built-in-adapters.ts';
import { AdapterSecretRefused } from './errors.ts';

/**
 * All variables of an adapter's process: where programs are, how many threads, and what the model's environment declares.
 * Nothing else of this process's environment. @throws AdapterSecretRefused
 */
export function processEnvironment(
  code: HostedCode,
  { home, scratch }: { home: string; scratch: string },
): Record<string, string> {
  const threads = String(availableParallelism());
  return {
    LANG: 'C.UTF-8',
    ...code.python.environment,
    OMP_NUM_THREADS: threads,
    OPENBLAS_NUM_THREADS: threads,
    MKL_NUM_THREADS: threads,
    // Downloads of frameworks, such as those of torch.hub and Hugging Face, are kept there.
    XDG_CACHE_HOME: join(home, '.cache'),
    ...code.environment?.variables,
    ...secretVariables(code),
    HOME: home,
    TMPDIR: scratch,
    PYTHONUNBUFFERED: '1',
    PYTHONIOENCODING: 'utf-8:backslashreplace',
    PYTHONNOUSERSITE: '1',
    // The codebase is shared: nothing is written beside it.
    PYTHONDONTWRITEBYTECODE: '1',
    // Sets and dictionaries of text are iterated in the same order in every process: the same seed, the same weights.
    PYTHONHASHSEED: '0',
    PYTHONFAULTHANDLER: '1',
  };
}

/** Variables that get a secret of the server. @throws AdapterSecretRefused for one that is not set or not allowed */
export function secretVariables({ environment, python }: HostedCode): Record<string, string> {
  const wanted = Object.entries(environment?.secrets ?? {});
  return Object.fromEntries(
    wanted.map(([variable, name]) => {
      if (!python.secrets.allowed.includes(name))
        throw new AdapterSecretRefused(variable, name, 'adapters may not have');
      const value = python.secrets.values.get(name);
      if (value === undefined) throw new AdapterSecretRefused(variable, name, 'is not set');
      return [variable, value];
    }),
  );
}
