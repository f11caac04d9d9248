import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findInterpreter } from '../../../adapters/python/interpreter.ts';
import { hostPython } from '../../../adapters/python/python-adapter.ts';
import { pythonFor } from '../../../adapters/python/virtual-environment.ts';
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
  const install = (requirements: string, limitMs = 120_000) => {
    const directory = temporaryFolder();
    writeFileSync(join(directory, 'requirements.txt'), requirements);
    return pythonFor(directory, { interpreter, settings, cacheDirectory, limitMs });
  };
  const environments = () => readdirSync(cacheDirectory).filter((name) => name.startsWith('environment-'));
  return { settings, interpreter, sha256, cacheDirectory, install, environments };
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
    const { install, environments } = await shelf();

    await expect(install('tinypackage==1.0', 50)).rejects.toMatchObject({
      code: 'PythonRequirementsFailed',
      message: expect.stringContaining('within 0.05 s'),
    });
    expect(environments()).toEqual([]);
  });

  it('is not needed by a file of comments', async () => {
    const { install, interpreter } = await shelf();

    expect(await install('# nothing yet\n\n')).toBe(interpreter.executable);
  });
});
