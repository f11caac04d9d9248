import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { CliIo } from '../../cli/io.ts';
import { runCli } from '../../cli/run-cli.ts';
import type { Json, JsonObject } from '../../shared/json.ts';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandLine {
  /** Where relative paths of arguments start; goes away with the test. */
  cwd: string;
  run(...argv: string[]): Promise<Ran>;
  /** Runs with `--json` and parses what it printed; fails when that is not one JSON document. */
  json<T extends Json = JsonObject>(...argv: string[]): Promise<T>;
  /** Runs with `--json` and answers exit code and code of the error. */
  fail(...argv: string[]): Promise<{ code: number; error: string; message: string }>;
}

/** The program in this process, with a state folder of its own and captured output. */
export function commandLine(options: Partial<CliIo> = {}): CommandLine {
  const cwd = mkdtempSync(join(tmpdir(), 'modelfn-cli-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const run = async (...argv: string[]): Promise<Ran> => {
    const printed = { stdout: [] as string[], stderr: [] as string[] };
    const io: CliIo = {
      stdout: { write: (text) => printed.stdout.push(text) },
      stderr: { write: (text) => printed.stderr.push(text) },
      isTTY: false,
      env: { MODELFN_HOME: join(cwd, 'home') },
      cwd,
      now: Date.now,
      interrupted: new AbortController().signal,
      ...options,
    };
    const code = await runCli(argv, io);
    return { code, stdout: printed.stdout.join(''), stderr: printed.stderr.join('') };
  };
  return {
    cwd,
    run,
    async json<T extends Json>(...argv: string[]) {
      const { code, stdout, stderr } = await run(...argv, '--json');
      if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
      return JSON.parse(stdout) as T;
    },
    async fail(...argv) {
      const { code, stdout } = await run(...argv, '--json');
      const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
      return { code, error: error.code, message: error.message };
    },
  };
}

/** Writes files below a folder: path -> content. */
export async function writeFiles(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
