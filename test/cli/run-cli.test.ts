import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandLine, writeFiles } from './command-line.ts';

describe('runCli', () => {
  it('lists the commands and the exit codes in its help, and ends with 0', async () => {
    const { code, stdout } = await commandLine().run('--help');

    expect(code).toBe(0);
    for (const word of ['projects', 'datasets', 'train', 'Exit codes:', '130'])
      expect(stdout).toContain(word);
  });

  it.each([
    'projects create',
    'datasets upload',
    'models push',
    'snapshots clone',
    'snapshots metrics show',
    'train',
    'predict',
    'evaluate',
    'convert',
    'load',
    'save',
    'adapters check',
    'executions logs',
    'executions terminate',
    'start',
    'demo',
  ])('shows an example in the help of %s', async (command) => {
    const { code, stdout } = await commandLine().run(...command.split(' '), '--help');

    expect(code).toBe(0);
    expect(stdout.split(/Examples?:/)[1]).toContain(`modelfn ${command}`);
  });

  it('suggests the nearest command and option, and ends with 2', async () => {
    const line = commandLine();

    const wrongCommand = await line.run('trian');
    const wrongOption = await line.run('projects', 'list', '--jsn');

    expect(wrongCommand).toMatchObject({ code: 2, stdout: '' });
    expect(wrongCommand.stderr).toContain('Did you mean train?');
    expect(wrongOption.code).toBe(2);
    expect(wrongOption.stderr).toContain('Did you mean --json?');
  });

  it('answers a command without its verb with the help of the group, and ends with 2', async () => {
    const { code, stderr } = await commandLine().run('datasets');

    expect(code).toBe(2);
    expect(stderr).toContain('upload');
  });

  it('tells errors as one JSON document on stdout when asked for JSON, wherever the option stands', async () => {
    const line = commandLine();

    for (const argv of [
      ['--json', 'nonsense'],
      ['projects', '--json', 'show', 'x'],
      ['projects', 'show', 'x', '--json'],
      ['datasets', '--json'],
    ]) {
      const { stdout } = await line.run(...argv);
      expect(JSON.parse(stdout)).toMatchObject({
        error: { statusCode: expect.any(Number), code: expect.any(String) },
      });
    }
  });

  it('shows a stack only when asked to be verbose', async () => {
    const line = commandLine();

    const quiet = await line.run('projects', 'show', 'x');
    const verbose = await line.run('projects', 'show', 'x', '--verbose');

    expect(quiet.stderr).not.toContain('    at ');
    expect(verbose.stderr).toContain('    at ');
  });

  it('ends with 2 for a setting of the environment that cannot be used, naming it', async () => {
    const { code, error, message } = await commandLine({ env: { PORT: 'seven' } }).fail('projects', 'list');

    expect({ code, error }).toEqual({ code: 2, error: 'InvalidConfig' });
    expect(message).toContain('PORT="seven"');
  });

  it('ends with 6 when a file is in the place of the state folder', async () => {
    const outer = commandLine();
    await writeFiles(outer.cwd, { 'taken/home': 'a file' });
    const line = commandLine({ env: { MODELFN_HOME: join(outer.cwd, 'taken', 'home') } });

    expect(await line.fail('projects', 'list')).toMatchObject({ code: 6, error: 'StateFolderUnusable' });
  });

  it('writes what names hold of control characters so that the terminal does not obey them', async () => {
    const { stderr } = await commandLine().run('projects', 'show', 'a\u001b[2Jb');

    expect(stderr).not.toContain('\u001b');
  });
});
