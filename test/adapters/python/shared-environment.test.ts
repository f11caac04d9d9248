import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';

const PROGRAM = join(import.meta.dirname, 'install-requirements.ts');

/**
 * A program that does of Python what is asked for here, in milliseconds: `-m venv` copies it into the new environment, `-m pip`
 * notes itself and what it installs. A file `hold` has pip wait until it is gone.
 */
function openShelf() {
  const folder = mkdtempSync(join(temporaryFolder(), 'shelf-'));
  const python = join(folder, 'python');
  const notes = join(folder, 'notes');
  const hold = join(folder, 'hold');
  mkdirSync(notes);
  writeFileSync(
    python,
    `#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  "-m pip")
    echo "$0" > "${notes}/$$"
    while [ -e "${hold}" ]; do sleep 0.02; done
    touch "$(dirname "$0")/installed" ;;
  "-c hello") [ -e "$(dirname "$0")/installed" ] && echo whole || echo half ;;
esac
`,
  );
  chmodSync(python, 0o755);
  const directory = join(folder, 'code');
  mkdirSync(directory);
  writeFileSync(join(directory, 'requirements.txt'), 'package==1.0\n');
  const cache = join(folder, 'cache');
  const args = [PROGRAM, directory, cache, python];
  const install = async () => {
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout) as { python: string; says: string };
  };
  const environments = () => readdirSync(cache).filter((name) => name.startsWith('environment-'));
  const pips = () => readdirSync(notes).length;
  const setHold = (isHeld: boolean) => (isHeld ? writeFileSync(hold, '') : rmSync(hold, { force: true }));
  const untilPips = (count: number) => expect.poll(pips, { timeout: 20_000 }).toBe(count);
  const start = () => spawn(process.execPath, args, { stdio: 'ignore', detached: true });
  return { cache, install, environments, untilPips, setHold, start };
}

describe('an environment that several processes want', () => {
  it('is one, and whole, for those that make it at the same time', async () => {
    const shelf = openShelf();
    shelf.setHold(true);
    const installing = Promise.all([shelf.install(), shelf.install(), shelf.install()]);
    await shelf.untilPips(3);
    shelf.setHold(false);

    const answers = await installing;

    expect(new Set(answers.map(({ python }) => python)).size).toBe(1);
    expect(answers.map(({ says }) => says)).toEqual(['whole', 'whole', 'whole']);
    expect(shelf.environments()).toHaveLength(1);
    expect(readdirSync(join(shelf.cache, 'tmp'))).toEqual([]);
  });

  it('is made anew after a process that was killed in the middle, and what that left is never used', async () => {
    const shelf = openShelf();
    shelf.setHold(true);
    const killed = shelf.start();
    await shelf.untilPips(1);
    killed.kill('SIGKILL');
    await new Promise((resolve) => killed.once('exit', resolve));
    const left = shelf.environments();
    shelf.setHold(false);

    const answer = await shelf.install();

    expect(left).toEqual([]);
    expect(answer.says).toBe('whole');
  });

  it('is made anew, once more whole, when its interpreter is gone', async () => {
    const shelf = openShelf();
    const first = await shelf.install();
    rmSync(first.python);

    const answers = await Promise.all([shelf.install(), shelf.install()]);

    expect(answers).toEqual([first, first]);
    expect(existsSync(first.python) && readFileSync(first.python, 'utf8')).toContain('-m venv');
    expect(shelf.environments()).toHaveLength(1);
  });
});
