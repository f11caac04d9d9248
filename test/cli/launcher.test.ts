import { execFile } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';

/** Has this Node say that it is version 20. */
const OLDER_NODE = [
  '--import',
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.0.0"}})',
];
const LAUNCHER = join(import.meta.dirname, '..', '..', 'cli', 'modelfn.mjs');

describe('modelfn.mjs', () => {
  it('runs a command in a process of its own and keeps state in .modelfn of the current folder', async () => {
    const cwd = temporaryFolder();

    const created = await modelfn({ cwd }, 'projects', 'create', 'demo', '--json');
    const listed = await modelfn({ cwd }, 'projects', 'list', '--json');

    expect(created).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(listed.stdout)).toEqual([JSON.parse(created.stdout)]);
    expect(await readFile(join(cwd, '.modelfn', 'store.sqlite'))).not.toHaveLength(0);
  });

  it('looks for a newer Node when an older one starts it, and runs the command with that', async () => {
    const { code, stderr } = await modelfn(
      { cwd: temporaryFolder(), as: OLDER_NODE },
      'projects',
      'show',
      'none',
    );

    expect(code).toBe(3);
    expect(stderr).toContain('modelfn: No Project "none"');
  });

  it('tells how to install a newer Node where there is none', async () => {
    const cwd = temporaryFolder();
    await copyFile(LAUNCHER, join(cwd, 'modelfn.mjs'));

    const { code, stderr } = await modelfn(
      { cwd, as: OLDER_NODE, launcher: join(cwd, 'modelfn.mjs') },
      '--version',
    );

    expect(code).toBe(2);
    expect(stderr).toContain('this is Node 20.0.0, and modelfn takes Node 24 or newer');
    expect(stderr).toContain('npm install node@24');
  });

  it('ends with the exit code of what went wrong, text for people on stderr alone', async () => {
    const cwd = temporaryFolder();

    expect(await modelfn({ cwd }, 'projects', 'show', 'none')).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('modelfn: No Project "none"'),
    });
    expect(await modelfn({ cwd }, 'nonsense')).toMatchObject({ code: 2, stdout: '' });
  });
});

interface Start {
  cwd: string;
  launcher?: string;
  /** Arguments of Node itself. */
  as?: readonly string[];
}

async function modelfn(
  { cwd, launcher = LAUNCHER, as = [] }: Start,
  ...argv: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { MODELFN_HOME: _home, ...env } = process.env;
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [...as, launcher, ...argv], {
      cwd,
      env,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}
