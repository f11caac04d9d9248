import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findPythonEntry } from '../../cli/find-python-entry.ts';
import { readConfig } from '../../shared/config.ts';
import { pythonCode, pythonProblem } from '../adapters/python/hosted-python.ts';
import { describeUnless } from '../support/describe-unless.ts';
import { commandLine } from './command-line.ts';

const FUNCTIONS = 'def predict(batch): return [[] for _ in batch]\n';
const CLASS = (name: string) => `class ${name}:\n  def predict(self, batch): return [[] for _ in batch]\n`;

const SDK = (name: string) =>
  `import dtlpy as dl\nclass ${name}(dl.BaseModelAdapter):\n  def load(self, local_path, **kwargs): pass\n`;

const find = async (files: Record<string, string>, className?: string, entryPoint?: string) => {
  const { directory } = pythonCode(files).code;
  const found = await findPythonEntry(directory, { python: readConfig().python, className, entryPoint });
  if (found) expect(found.directory).toBe(directory);
  return found && [found.file, found.className];
};

describeUnless(pythonProblem, 'a folder with Python', () => {
  it.each([
    [
      'a file of a usual name',
      { 'model.py': FUNCTIONS, 'other.py': CLASS('Other') },
      'model.py',
      'ModelAdapter',
    ],
    ['one file of any name', { 'resnet_adapter.py': FUNCTIONS }, 'resnet_adapter.py', 'ModelAdapter'],
    ['one file with a class of another name', { 'net.py': CLASS('Net') }, 'net.py', 'Net'],
    [
      'one adapter among other files',
      { 'net.py': CLASS('Net'), 'tools.py': 'x = 1\n', 'test_net.py': CLASS('Test'), 'setup.py': '' },
      'net.py',
      'Net',
    ],
    [
      'a class of the Dataloop SDK with helpers beside it',
      {
        'a.py':
          'import dtlpy as dl\nclass Adapter(dl.BaseModelAdapter):\n  def load(self, path): pass\nclass Helper: pass\n',
      },
      'a.py',
      'Adapter',
    ],
    [
      'a class of the Dataloop SDK beside scripts with a function that adapters have',
      { 'resnet_adapter.py': SDK('ModelAdapter'), 'train.py': 'def train(opt): pass\n' },
      'resnet_adapter.py',
      'ModelAdapter',
    ],
    [
      'a class of the Dataloop SDK in a sub-folder of a repository',
      {
        'train.py': 'def train(opt): pass\n',
        'dataloop/model_adapter.py': SDK('YoloAdapter'),
        'dataloop/tests/test_model.py': SDK('Fake'),
        'dataloop/deploy.py': 'BASE = "BaseModelAdapter"\n',
      },
      'dataloop/model_adapter.py',
      'YoloAdapter',
    ],
    [
      'the upper of two classes of the Dataloop SDK',
      { 'a/adapter.py': SDK('Upper'), 'a/older/adapter.py': SDK('Lower') },
      'a/adapter.py',
      'Upper',
    ],
  ])('is an adapter: %s', async (_what, files, file, className) => {
    expect(await find(files as Record<string, string>)).toEqual([file, className]);
  });

  it('is taken by the class that is asked for', async () => {
    expect(await find({ 'a.py': CLASS('A'), 'b.py': CLASS('B') }, 'B')).toEqual(['b.py', 'B']);
  });

  it('is taken by the path of a file in a sub-folder', async () => {
    const files = { 'model.py': FUNCTIONS, 'older/net.py': CLASS('Net') };

    expect(await find(files, undefined, 'older/net.py')).toEqual(['older/net.py', 'Net']);
    await expect(find(files, undefined, 'older/gone.py')).rejects.toMatchObject({
      code: 'PathUnusable',
      message: expect.stringContaining('has no file older/gone.py'),
    });
  });

  it.each([
    [
      'two files of the Dataloop SDK in sub-folders',
      { 'a/net.py': SDK('A'), 'b/net.py': SDK('B') },
      'PathUnusable',
      'a/net.py, b/net.py',
    ],
    ['two files with adapters', { 'a.py': CLASS('A'), 'b.py': CLASS('B') }, 'PathUnusable', 'a.py, b.py'],
    ['files without any', { 'a.py': 'x = 1\n', 'b.py': 'y = 1\n' }, 'PathUnusable', 'has no adapter'],
    ['two adapters in one file', { 'a.py': CLASS('A') + CLASS('B') }, 'AdapterClassNotFound', '--class'],
  ])('is refused with advice: %s', async (_what, files, code, message) => {
    await expect(find(files as Record<string, string>)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it('is left to JavaScript where there is some', async () => {
    expect(await find({ 'adapter.ts': '', 'tools.py': FUNCTIONS })).toBeUndefined();
  });

  it('is checked by the command line, which shows what it does before anything else', async () => {
    const { directory } = pythonCode({
      'rules.py':
        'import json\nfor x in json.loads("[]"): pass\nraise ValueError("stop")\ndef predict(batch): pass\n',
    }).code;
    const line = commandLine({
      isTTY: true,
      env: { MODELFN_HOME: join(directory, 'home'), PATH: process.env.PATH },
    });

    const { stderr } = await line.run('adapters', 'check', directory);

    expect(stderr.indexOf('reading')).toBeGreaterThan(-1);
    expect(stderr.indexOf('reading')).toBeLessThan(stderr.indexOf('ValueError'));
  });
});
