import { expect, it } from 'vitest';
import { inferRequirements } from '../../../adapters/python/infer-requirements.ts';
import { findInterpreter } from '../../../adapters/python/interpreter.ts';
import { readSource } from '../../../adapters/python/read-source.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { pythonCode, pythonProblem } from './hosted-python.ts';

const SDK = 'dtlpy==1.61.17';
const source = { imports: ['dtlpy', 'torch'], installed: [] };

it.each([
  ['names nothing', []],
  ['names other packages', ['torch>=1.8', 'numpy', '--prefer-binary']],
  ['names it without a version', ['torch', 'dtlpy']],
])(
  'the Dataloop SDK is required, with snapshots, when the code imports it and requirements.txt %s',
  (_what, lines) => {
    expect(inferRequirements(source, lines)).toContain(SDK);
  },
);

it('requirements with hashes are left as they are, as pip takes no line without a hash beside them', () => {
  expect(inferRequirements(source, ['torch==2.0 --hash=sha256:00'])).toEqual([]);
});

it('code that does not import the Dataloop SDK gets nothing', () => {
  expect(inferRequirements({ imports: ['torch'], installed: [] }, [])).toEqual([]);
});

it('an interpreter that has the Dataloop SDK runs the code itself, unless it has other requirements', () => {
  const installed = { imports: ['dtlpy'], installed: ['dtlpy'] };

  expect(inferRequirements(installed, [])).toEqual([]);
  expect(inferRequirements(installed, ['torch'])).toContain(SDK);
});

describeUnless(pythonProblem, 'the imports of an adapter in Python', () => {
  const importsOf = async (files: Record<string, string>) => {
    const { code } = pythonCode(files);
    return (await readSource(code, await findInterpreter(code.python))).imports;
  };

  it('are those of the files it reaches, from outside the codebase', async () => {
    const imports = await importsOf({
      'model.py': 'import features\nfrom package.deep import thing\ndef predict(batch): pass\n',
      'features.py': 'def late():\n  from dtlpy import entities\n',
      'package/__init__.py': 'from . import other\n',
      'package/deep.py': 'import yaml.nodes\n',
      'package/other.py': 'import cv2\n',
      'never.py': 'import tensorflow\n',
    });

    expect(imports).toEqual(['cv2', 'dtlpy', 'yaml']);
  });

  it('do not count where the code goes on without them', async () => {
    const imports = await importsOf({
      'model.py': 'try:\n  import dtlpy as dl\nexcept ImportError:\n  dl = None\ndef predict(batch): pass\n',
    });

    expect(imports).toEqual([]);
  });

  it('do not count where the codebase has a module of that name', async () => {
    const imports = await importsOf({
      'model.py': 'import dtlpy\ndef predict(batch): pass\n',
      'dtlpy.py': '',
    });

    expect(imports).toEqual([]);
  });
});
