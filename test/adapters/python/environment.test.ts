import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HostedCode } from '../../../adapters/built-in-adapters.ts';
import { findInterpreter } from '../../../adapters/python/interpreter.ts';
import { hostPython } from '../../../adapters/python/python-adapter.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { readExecutionLogs } from '../../../shared/catalog/execution-logs.ts';
import { updateModel } from '../../../shared/catalog/models.ts';
import { type PythonSettings, readConfig } from '../../../shared/config.ts';
import { invoke } from '../../../shared/invoke/invoke.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { moduleWith, pythonCode, pythonProblem } from './hosted-python.ts';
import { openPythonWorkspace } from './python-workspace.ts';

/** A program that says of itself that it is this Python. */
function fakePython(path: string, version: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  const said = { executable: path, version: version.split('.').map(Number), platform: `test-${version}` };
  writeFileSync(path, `#!/bin/sh\necho '${JSON.stringify(said)}'\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A server's own Python 3.11.7, 3.9.1 on its PATH, and folders as pyenv and uv fill them. */
function openShelf() {
  const folder = temporaryFolder();
  const pyenv = join(folder, 'pyenv', 'versions');
  const uv = join(folder, 'uv', 'python');
  const bin = join(folder, 'bin');
  const settings: PythonSettings = {
    ...readConfig().python,
    command: fakePython(join(folder, 'own', 'python'), '3.11.7'),
    environment: { PATH: `${bin}:/usr/bin:/bin` },
    installations: [pyenv, uv],
  };
  fakePython(join(bin, 'python3.9'), '3.9.1');
  for (const version of ['3.8.2', '3.8.20', '3.7.17'])
    fakePython(join(pyenv, version, 'bin', 'python3'), version);
  fakePython(join(uv, 'cpython-3.12.4-linux-x86_64-gnu', 'bin', 'python3'), '3.12.4');
  const find = async (version?: string) => (await findInterpreter(settings, { version })).version;
  return { find };
}

describe('the interpreter of a model', () => {
  it.each([
    [undefined, '3.11.7'],
    ['3.11', '3.11.7'],
    ['3.9', '3.9.1'],
    ['3.8', '3.8.20'],
    ['3.8.2', '3.8.2'],
    ['3.12', '3.12.4'],
  ])('is, for a model that asks for Python %s, the installed %s', async (wanted, found) => {
    expect(await openShelf().find(wanted)).toBe(found);
  });

  it('is an error that lists the installed versions when the wanted one is not among them', async () => {
    await expect(openShelf().find('3.10')).rejects.toMatchObject({
      code: 'PythonVersionMissing',
      statusCode: 501,
      details: { wanted: '3.10', found: expect.arrayContaining(['3.8.20', '3.11.7', '3.12.4']) },
    });
  });

  it('is looked for in the folders of pyenv and uv of the server', () => {
    const { installations } = readConfig({ HOME: '/people/me', UV_PYTHON_INSTALL_DIR: '/opt/uv' }).python;

    expect(installations).toEqual(['/people/me/.pyenv/versions', '/opt/uv']);
  });
});

const SECRETS = {
  allowed: ['MODELFN_SECRET_HUB'],
  values: readConfig({ MODELFN_SECRET_HUB: 'hunter2-hub', MODELFN_SECRET_GIT: 'x-git' }).secrets,
};

/** `defaults` of the class show the process's variables. */
const SHOW = moduleWith(`
import os
open(os.path.join(os.environ["HOME"], "seen-%d" % os.getpid()), "w").close()
defaults = {"variables": dict(os.environ), "home": sorted(os.listdir(os.environ["HOME"]))}
`);

describeUnless(pythonProblem, 'the process of an adapter', () => {
  async function show(
    fields: Partial<HostedCode>,
  ): Promise<{ variables: Record<string, string>; home: string[] }> {
    const { code } = pythonCode({ 'model.py': SHOW }, { settings: { secrets: SECRETS } });
    const adapterClass = await hostPython({ ...code, ...fields });
    const adapter = new adapterClass({ configuration: {}, labels: [] });
    await adapter.unload?.();
    return adapterClass.defaults as never;
  }

  it('gets the variables of its model and the secrets that the operator allows', async () => {
    const environment = {
      variables: { TORCH_HOME: '/models' },
      secrets: { HUB_TOKEN: 'MODELFN_SECRET_HUB' },
    };

    const { variables } = await show({ environment });

    expect(variables).toMatchObject({ TORCH_HOME: '/models', HUB_TOKEN: 'hunter2-hub', PYTHONHASHSEED: '0' });
    expect(Object.keys(variables).filter((name) => name.startsWith('MODELFN_SECRET'))).toEqual([]);
  });

  it.each([
    ['that the operator does not allow', 'MODELFN_SECRET_GIT'],
    ['that is not set', 'MODELFN_SECRET_OTHER'],
  ])('is not started for a secret %s', async (_case, name) => {
    await expect(show({ environment: { secrets: { TOKEN: name } } })).rejects.toMatchObject({
      code: 'AdapterSecretRefused',
      message: expect.not.stringContaining('x-git'),
    });
  });

  it('finds in its home what an earlier process of the model kept there, readable by its user alone', async () => {
    const homeDirectory = join(temporaryFolder(), 'homes', 'model');

    await show({ homeDirectory });
    const { home, variables } = await show({ homeDirectory });

    expect(home).toHaveLength(2);
    expect(readdirSync(homeDirectory).sort()).toEqual(home);
    expect(variables).toMatchObject({ HOME: homeDirectory, XDG_CACHE_HOME: join(homeDirectory, '.cache') });
    expect(statSync(homeDirectory).mode & 0o777).toBe(0o700);
  });
});

describeUnless(pythonProblem, 'a training of a model with an environment', () => {
  it('logs the installation with the execution, and records Python and packages in the lineage', async () => {
    const python = (await findInterpreter(readConfig().python)).executable;
    const wheels = temporaryFolder();
    const wheel = join(wheels, 'tinypackage-1.0-py3-none-any.whl');
    execFileSync(python, ['-c', TINY_WHEEL, wheel]);
    const { code } = pythonCode({
      'model.py': moduleWith(
        'import os, tinypackage\ndef save(directory): open(os.path.join(directory, "w"), "w").write(tinypackage.NAME)',
      ),
      'requirements.txt': 'a-package-that-does-not-exist==1.0\n',
    });
    const space = await openPythonWorkspace(code.directory);
    onTestFinished(() => space.platform.close());
    const { platform, container, model, snapshot } = space;
    const installEnvironment = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels };
    Object.assign(platform.config, { python: { ...platform.config.python, installEnvironment } });
    const environment = { requirements: ['tinypackage'], variables: { MODE: 'test' } };
    await updateModel(platform, LOCAL_ACTOR, model.id, { environment });

    const { execution } = await invoke(container, trainFunction, {
      functionName: 'train',
      input: { snapshot: snapshot.id },
      caller: 'http',
      actor: LOCAL_ACTOR,
    });

    const { logs } = await readExecutionLogs(platform, LOCAL_ACTOR, execution.id);
    const trained = await platform.store.get('Snapshot', snapshot.id);
    expect(execution.error).toBeNull();
    expect(logs[0]?.message).toMatch(/^install: creating an environment with Python 3/);
    expect(logs.map(({ message }) => message)).toContain('install: installed 1 packages');
    expect(trained?.lineage).toMatchObject({
      environment: {
        python: expect.stringMatching(/^3\.\d+\.\d+$/),
        packages: [expect.stringMatching(/^tinypackage==1\.0/)],
      },
    });
    expect(trained?.configuration).toEqual({});
  }, 120_000);
});

const TINY_WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    def write(name, text): wheel.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    info = "tinypackage-1.0.dist-info/"
    write("tinypackage/__init__.py", "NAME = 'tiny'\\n")
    write(info + "METADATA", "Metadata-Version: 2.1\\nName: tinypackage\\nVersion: 1.0\\n")
    write(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: hand\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    write(info + "RECORD", "tinypackage/__init__.py,,\\n%sMETADATA,,\\n%sWHEEL,,\\n%sRECORD,,\\n" % ((info,) * 3))
`;
