import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockHome } from '../../../cli/local/home-lock.ts';
import { temporaryFolder } from './fixture-functions.ts';

const LOCK_MODULE = pathToFileURL(join(import.meta.dirname, '../../../cli/local/home-lock.ts')).href;

describe('lockHome', () => {
  it('lets one server have a state folder, and names it to the next', async () => {
    const home = join(await temporaryFolder(), 'new', 'home');
    const lock = lockHome(home);
    expect(() => lockHome(home)).toThrow(
      expect.objectContaining({ code: 'AlreadyRunning', details: { pid: process.pid, url: null } }),
    );

    lock.announce('http://127.0.0.1:3700');

    expect(() => lockHome(home)).toThrow(
      expect.objectContaining({
        code: 'AlreadyRunning',
        statusCode: 409,
        details: { pid: process.pid, url: 'http://127.0.0.1:3700' },
        message: expect.stringMatching(new RegExp(`http://127.0.0.1:3700 .*${process.pid}.*MODELFN_HOME`)),
      }),
    );
    lock.release();
    lock.release();
    lockHome(home).release();
  });

  it('is free again when its holder was killed', async () => {
    const home = await temporaryFolder();
    const script = join(await temporaryFolder(), 'holder.mjs');
    await writeFile(
      script,
      `import { lockHome } from ${JSON.stringify(LOCK_MODULE)};
       globalThis.lock = lockHome(${JSON.stringify(home)});
       lock.announce('http://127.0.0.1:1');
       process.on('message', () => {});
       process.send('held');`,
    );
    const holder = fork(script, [], { execArgv: ['--disable-warning=ExperimentalWarning'] });
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder, 'message');
    expect(() => lockHome(home)).toThrow(
      expect.objectContaining({ details: { pid: holder.pid, url: 'http://127.0.0.1:1' } }),
    );

    holder.kill('SIGKILL');
    await once(holder, 'exit');

    const lock = lockHome(home);
    expect(JSON.parse(await readFile(join(home, 'server.json'), 'utf8'))).toEqual({
      pid: process.pid,
      url: null,
    });
    lock.release();
  });

  it('goes to exactly one of many that start at once', async () => {
    const home = await temporaryFolder();
    const script = `
      import { lockHome } from ${JSON.stringify(LOCK_MODULE)};
      try { globalThis.lock = lockHome(${JSON.stringify(home)}); console.log('held'); }
      catch (error) { console.log(error.code); }
      process.stdin.resume();`;
    const starts = [1, 2, 3, 4].map(() => {
      const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
      const said = once(run.child.stdout!, 'data').then(([text]) => String(text).trim());
      return { run, said };
    });

    const said = await Promise.all(starts.map((start) => start.said));
    for (const { run } of starts) run.child.stdin!.end();
    await Promise.all(starts.map(({ run }) => run));

    expect(said.sort()).toEqual(['AlreadyRunning', 'AlreadyRunning', 'AlreadyRunning', 'held']);
  });

  it('tells of a folder it cannot use, and of a note it cannot read', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    expect(() => lockHome(join(folder, 'file'))).toThrow(expect.objectContaining({ code: 'HomeUnusable' }));
    await mkdir(join(folder, 'home'));
    const lock = lockHome(join(folder, 'home'));
    await writeFile(join(folder, 'home/server.json'), '{"pid": "x');
    expect(() => lockHome(join(folder, 'home'))).toThrow(
      expect.objectContaining({ code: 'AlreadyRunning', details: { pid: null, url: null } }),
    );
    lock.release();
  });
});
