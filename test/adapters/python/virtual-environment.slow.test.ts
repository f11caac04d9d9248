import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findInterpreter } from '../../../adapters/python/interpreter.ts';
import { hostPython } from '../../../adapters/python/python-adapter.ts';
import { type EnvironmentOptions, pythonFor } from '../../../adapters/python/virtual-environment.ts';
import { readConfig } from '../../../shared/config.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { ENDLESS, moduleWith, pythonCode, pythonProblem, sample } from './hosted-python.ts';

/** A folder of wheels stands in for the package index; pip is told of no other. */
async function shelf() {
  const wheels = temporaryFolder();
  const path = join(wheels, 'tinypackage-1.0-py3-none-any.whl');
  const source = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    def write(name, text): wheel.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    write("tinypackage/__init__.py", "NAME = 'tiny'\\ndef main(): print('ran')\\n")
    info = "tinypackage-1.0.dist-info/"
    write(info + "METADATA", "Metadata-Version: 2.1\\nName: tinypackage\\nVersion: 1.0\\n")
    write(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: hand\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    write(info + "entry_points.txt", "[console_scripts]\\ntinypackage = tinypackage:main\\n")
    write(info + "RECORD", "tinypackage/__init__.py,,\\n%sMETADATA,,\\n%sWHEEL,,\\n%sentry_points.txt,,\\n%sRECORD,,\\n" % ((info,) * 4))
`;
  const { python } = readConfig();
  const interpreter = await findInterpreter(python);
  execFileSync(interpreter.executable, ['-c', source, path]);
  const settings = { ...python, installEnvironment: { PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels } };
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  const cacheDirectory = join(temporaryFolder(), 'python');
  const prepare = (requirements: string, options: Partial<EnvironmentOptions> = {}) => {
    const directory = temporaryFolder();
    writeFileSync(join(directory, 'requirements.txt'), requirements);
    return pythonFor(directory, { interpreter, settings, cacheDirectory, ...options });
  };
  const install = async (requirements: string, options?: Partial<EnvironmentOptions>) =>
    (await prepare(requirements, options)).executable;
  const environments = () => readdirSync(cacheDirectory).filter((name) => name.startsWith('environment-'));
  return { settings, interpreter, sha256, cacheDirectory, prepare, install, environments };
}

describeUnless(pythonProblem, 'the virtual environment of an adapter', () => {
  it('holds the packages of requirements.txt for the adapter, by their hash, and is made once by those who want it at once', async () => {
    const { install, environments, sha256, cacheDirectory, settings } = await shelf();
    const requirements = `# pinned\ntinypackage==1.0 --hash=sha256:${sha256}\n`;

    const pythons = await Promise.all([install(requirements), install(requirements)]);

    expect(new Set(pythons).size).toBe(1);
    expect(environments()).toHaveLength(1);
    expect(readdirSync(join(cacheDirectory, 'tmp'))).toEqual([]);
    expect(execFileSync(pythons[0]!, ['-c', 'import tinypackage; print(tinypackage.NAME)']).toString()).toBe(
      'tiny\n',
    );
    // A script of a package runs where it came to lie.
    expect(execFileSync(join(pythons[0]!, '..', 'tinypackage')).toString()).toBe('ran\n');
    const code = pythonCode(
      {
        'model.py': moduleWith(
          'import tinypackage\ndef predict(batch): return [[{"label": tinypackage.NAME, "confidence": 1}] for _ in batch]',
        ),
        'requirements.txt': requirements,
      },
      { settings },
    ).code;
    const adapterClass = await hostPython({ ...code, cacheDirectory: join(cacheDirectory, '..') });
    const adapter = new adapterClass({ configuration: {}, labels: [] });
    await adapter.load(temporaryFolder());
    expect(await adapter.predict([sample('{}')], ENDLESS)).toMatchObject([[{ label: 'tiny' }]]);
    expect(environments()).toHaveLength(1);
    await adapter.unload?.();
  }, 120_000);

  it('is not made for another hash than the pinned one, and pip tells why', async () => {
    const { install, environments } = await shelf();

    await expect(install(`tinypackage==1.0 --hash=sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({
      code: 'PythonRequirementsFailed',
      message: expect.stringMatching(/pip said last:[\s\S]*do not match/i),
    });
    expect(environments()).toEqual([]);
  }, 120_000);

  it('is not made by a pip that takes too long', async () => {
    const { install, environments, settings } = await shelf();

    await expect(
      install('tinypackage==1.0', { settings: { ...settings, installMs: 50 } }),
    ).rejects.toMatchObject({
      code: 'PythonRequirementsFailed',
      message: expect.stringContaining('within 0.05 s'),
    });
    expect(environments()).toEqual([]);
  });

  it('has a lock of exact versions and hashes, and reports each line of its installation', async () => {
    const { prepare, sha256, interpreter } = await shelf();
    const lines: string[] = [];

    const first = await prepare('tinypackage', { onLine: (line) => lines.push(line) });
    const second = await prepare('tinypackage', { onLine: (line) => lines.push(`again: ${line}`) });

    const [locked] = first.lock.packages ?? [];
    expect([`tinypackage==1.0 --hash=sha256:${sha256}`, 'tinypackage==1.0']).toContain(locked);
    expect(first.lock).toEqual({ python: interpreter.version, packages: [locked] });
    expect(second).toEqual(first);
    expect(lines[0]).toBe(`creating an environment with Python ${interpreter.version} for 1 requirements`);
    expect(lines.at(-1)).toBe('installed 1 packages');
    expect(lines.length).toBeGreaterThan(2);
  }, 120_000);

  it.each<[string, EnvironmentOptions['wanted'], string[] | null]>([
    ['the file is skipped', { requirements: 'none' }, null],
    ['other lines take the place of the file', { requirements: ['tinypackage==1.0'] }, ['tinypackage']],
    [
      'packages come in addition to a skipped file',
      { requirements: 'none', packages: ['tinypackage'] },
      ['tinypackage'],
    ],
  ])(
    'is as the model wants it when %s',
    async (_case, wanted, names) => {
      const { prepare } = await shelf();

      const { lock } = await prepare('a-package-that-does-not-exist==1.0', { wanted });

      expect(lock.packages?.map((line) => line.split('==')[0]) ?? null).toEqual(names);
    },
    120_000,
  );

  it('is not created for refused lines of the model', async () => {
    const { prepare } = await shelf();

    await expect(prepare('', { wanted: { packages: ['-r /etc/passwd'] } })).rejects.toMatchObject({
      code: 'PythonRequirementRefused',
      details: { where: 'environment.packages' },
    });
  });

  it('is not needed by a file of comments', async () => {
    const { install, interpreter } = await shelf();

    expect(await install('# nothing yet\n\n')).toBe(interpreter.executable);
  });
});
