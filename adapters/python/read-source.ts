import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import * as z from 'zod/mini';
import { messageOf } from '../../shared/errors.ts';
import type { HostedCode } from '../built-in-adapters.ts';
import { AdapterMethodMissing } from '../model-adapter.ts';
import { PythonAdapterUnusable } from './errors.ts';
import { HOST_FILES } from './host-script.ts';
import type { Interpreter } from './interpreter.ts';

const run = promisify(execFile);
const LIMIT_MS = 30_000;
const MAX_REPORT_BYTES = 2 ** 20;

const classSchema = z.object({ name: z.string(), isSdk: z.boolean(), methods: z.array(z.string()) });

const sourceSchema = z.object({
  /** Reason why the file is not an adapter; null when it may be one. */
  problem: z.nullable(z.string()),
  syntaxError: z.optional(z.string()),
  /** Top-level names of the packages that the adapter's files import, from outside the codebase. */
  imports: z.array(z.string()),
  /** Those of `imports` that the interpreter has already. */
  installed: z.array(z.string()),
  /** True when the class derives from `dl.BaseModelAdapter`. */
  isSdk: z.boolean(),
  methods: z.array(z.string()),
  /** True when `methods` is complete: false where bases, metaclasses or star imports may add some. */
  isComplete: z.boolean(),
  /** Classes of the file that look like adapters. */
  classes: z.array(classSchema),
});

/** Facts about an adapter that its sources show. */
export type PythonSource = z.output<typeof sourceSchema>;

/**
 * Reads the adapter's sources with Python's own parser, without running them and without its packages.
 * @throws PythonAdapterUnusable when the sources cannot be read
 */
export async function readSource(
  {
    directory,
    entryPoint,
    className,
    python,
  }: Pick<HostedCode, 'directory' | 'entryPoint' | 'className' | 'python'>,
  interpreter: Pick<Interpreter, 'executable'>,
  signal?: AbortSignal,
): Promise<PythonSource> {
  const script = HOST_FILES['modelfn_source.py']!;
  try {
    const { stdout } = await run(
      interpreter.executable,
      ['-I', '-c', script, directory, entryPoint, className],
      {
        env: { ...python.environment, HOME: tmpdir(), PYTHONIOENCODING: 'utf-8' },
        timeout: LIMIT_MS,
        maxBuffer: MAX_REPORT_BYTES,
        ...(signal && { signal }),
      },
    );
    return z.parse(sourceSchema, JSON.parse(stdout));
  } catch (error) {
    signal?.throwIfAborted();
    throw new PythonAdapterUnusable(entryPoint, `its source cannot be read: ${lastLine(messageOf(error))}`);
  }
}

/**
 * Refuses what can be known to fail before minutes of installing.
 * @throws PythonAdapterUnusable, AdapterMethodMissing
 */
export function assertUsable(source: PythonSource, { entryPoint, needs = [] }: HostedCode): void {
  if (source.problem !== null) throw new PythonAdapterUnusable(entryPoint, source.problem);
  if (source.isComplete) assertOffers(entryPoint, source.methods, needs);
}

/** @throws AdapterMethodMissing for the first method that is needed and not offered */
export function assertOffers(entryPoint: string, offered: readonly string[], needs: readonly string[]): void {
  const missing = needs.find((method) => !offered.includes(method));
  if (missing !== undefined) throw new AdapterMethodMissing(entryPoint, missing, undefined, offered);
}

/** The parser's message is the last line; those above name the interpreter's files. */
function lastLine(message: string): string {
  return message.trim().split('\n').at(-1) ?? '';
}
