import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';

const LAUNCHER = join(import.meta.dirname, '..', '..', 'cli', 'modelfn.mjs');

describe('modelfn.mjs', () => {
  it('runs a command in a process of its own and keeps state in .modelfn of the current folder', async () => {
    const cwd = temporaryFolder();

    const created = await modelfn(cwd, 'projects', 'create', 'demo', '--json');
    const listed = await modelfn(cwd, 'projects', 'list', '--json');

    expect(created).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(listed.stdout)).toEqual([JSON.parse(created.stdout)]);
    expect(await readFile(join(cwd, '.modelfn', 'store.sqlite'))).not.toHaveLength(0);
  });

  it('ends with the exit code of what went wrong, text for people on stderr alone', async () => {
    const cwd = temporaryFolder();

    expect(await modelfn(cwd, 'projects', 'show', 'none')).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('modelfn: No Project "none"'),
    });
    expect(await modelfn(cwd, 'nonsense')).toMatchObject({ code: 2, stdout: '' });
  });
});

async function modelfn(
  cwd: string,
  ...argv: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { MODELFN_HOME: _home, ...env } = process.env;
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [LAUNCHER, ...argv], { cwd, env });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}
