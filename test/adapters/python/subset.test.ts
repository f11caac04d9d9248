import { expect, it, onTestFinished } from 'vitest';
import { hostPython } from '../../../adapters/python/python-adapter.ts';
import { evaluateFunction } from '../../../functions/evaluate/evaluate.ts';
import { loadFunction } from '../../../functions/load/load.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { runInPlace } from '../../support/run-function.ts';
import { hosted, pythonCode, pythonProblem } from './hosted-python.ts';
import { openPeopleWorkspace } from './people-workspace.ts';

/** Cannot be installed, and is never tried: a test that gets as far takes long and fails otherwise. */
const UNINSTALLABLE = { 'requirements.txt': 'no-such-package-at-all==0.0.0 --hash=sha256:00' };
const PREDICTS = 'def predict(batch): return [[] for _ in batch]\n';

describeUnless(pythonProblem, 'an adapter in Python that only predicts', () => {
  it('predicts and is evaluated without weights', async () => {
    const space = await openPeopleWorkspace('predict_only');
    onTestFinished(() => space.platform.close());
    const snapshot = space.snapshot.id;

    const predicted = await runInPlace(space.container, predictFunction, {
      snapshot,
      items: [space.items.get('/test/0.json')!.id, space.items.get('/test/14.json')!.id],
    });
    const evaluated = await runInPlace(space.openContainer(), evaluateFunction, { snapshot, predict: true });

    expect(predicted).toMatchObject({
      failed: [],
      predictions: [{ annotations: [{ label: 'low' }] }, { annotations: [{ label: 'high' }] }],
    });
    expect(evaluated).toMatchObject({ metrics: { accuracy: 1 } });
  });

  it('is refused train and load with a stable code and the methods it has, once it is in memory too', async () => {
    const space = await openPeopleWorkspace('predict_only');
    onTestFinished(() => space.platform.close());
    const input = { snapshot: space.snapshot.id };
    const refusal = (method: string) => ({
      code: 'AdapterMethodMissing',
      statusCode: 422,
      details: { method, offered: ['predict'] },
      message: expect.stringContaining(`has no ${method}. It has: predict.`),
    });

    await expect(runInPlace(space.container, trainFunction, input)).rejects.toMatchObject(refusal('train'));
    await expect(runInPlace(space.container, loadFunction, input)).rejects.toMatchObject(refusal('load'));
    await runInPlace(space.container, predictFunction, {
      ...input,
      items: [space.items.get('/test/0.json')!.id],
    });
    await expect(runInPlace(space.container, loadFunction, input)).rejects.toMatchObject({
      code: 'AdapterMethodMissing',
      details: { method: 'load' },
    });
  });
});

describeUnless(pythonProblem, 'the methods of an adapter in Python', () => {
  it.each([
    ['functions', PREDICTS],
    ['a class', 'class ModelAdapter:\n  def predict(self, batch): pass\n'],
    ['a class with a base of another file', 'from base import Base\nclass ModelAdapter(Base): pass\n'],
    ['a method that only raises', `${PREDICTS}class ModelAdapter:\n  def predict(self, b): pass\n`],
  ])('are read from its source before anything is installed: %s', async (_what, source) => {
    const base = 'import json\nclass Base:\n  def predict(self, batch): pass\n';
    const { code } = pythonCode({ 'model.py': source, 'base.py': base, ...UNINSTALLABLE });

    await expect(hostPython({ ...code, needs: ['train', 'save'] })).rejects.toMatchObject({
      code: 'AdapterMethodMissing',
      details: { method: 'train', offered: ['predict'] },
    });
  });

  it.each([
    ['a class of another name', 'class Other:\n  def predict(self, batch): pass\n', 'its classes are: Other'],
    ['a class without methods', 'class ModelAdapter:\n  x = 1\n', 'has none of the methods'],
  ])('are missed before anything is installed: %s', async (_what, source, problem) => {
    const { code } = pythonCode({ 'model.py': source, ...UNINSTALLABLE });

    await expect(hostPython(code)).rejects.toMatchObject({
      code: 'PythonAdapterUnusable',
      message: expect.stringContaining(problem),
    });
  });

  it.each([
    [
      'made by a function',
      'def make(name):\n  return lambda *_: None\ntrain = make("train")\nsave = make("save")\n',
    ],
    [
      'of a metaclass',
      'class M(type):\n  def __new__(m, n, b, d):\n    d.update(train=lambda s, *_: None, save=lambda s, d: None)\n    return type.__new__(m, n, b, d)\nclass ModelAdapter(metaclass=M):\n  pass\n',
    ],
    ['of a star import', 'from base import *\n'],
  ])('that only running it can tell are not refused by the source: %s', async (_what, source) => {
    const base = 'def train(data, context): pass\ndef save(directory): pass\n';
    const { code } = pythonCode({ 'model.py': source, 'base.py': base });

    const adapterClass = await hostPython({ ...code, needs: ['train', 'save'] });

    expect(adapterClass.methods).toEqual(['train', 'save']);
  });

  it('are asked for again when it runs, where its source did not tell', async () => {
    const { code } = pythonCode({ 'model.py': `from base import *\n${PREDICTS}`, 'base.py': 'x = 1\n' });

    await expect(hostPython({ ...code, needs: ['train'] })).rejects.toMatchObject({
      code: 'AdapterMethodMissing',
      details: { offered: ['predict'] },
    });
  });

  it('are named by a call of one that is not there', async () => {
    const adapter = await hosted(pythonCode({ 'model.py': PREDICTS }));

    await expect(adapter.save('anywhere')).rejects.toMatchObject({
      code: 'AdapterMethodMissing',
      message: expect.stringContaining('has no save. It has: predict.'),
    });
  });
});
