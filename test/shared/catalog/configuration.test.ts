import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtInAdapters } from '../../../adapters/registry.ts';
import { findBuiltInSettings } from '../../../adapters/settings-registry.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { createModel, updateModel } from '../../../shared/catalog/models.ts';
import { cloneSnapshot } from '../../../shared/catalog/snapshot-clone.ts';
import { createSnapshot, updateSnapshot } from '../../../shared/catalog/snapshots.ts';
import { createContainer } from '../../../shared/invoke/handler.ts';
import type { JsonObject } from '../../../shared/json.ts';
import type { Platform } from '../../../shared/platform.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openWorkspace, type Workspace } from '../../support/workspace.ts';

let workspace: Workspace;
/** As the API and the command line open it. */
let platform: Platform;
beforeEach(async () => {
  workspace = await openWorkspace();
  platform = { ...workspace.platform, findSettings: findBuiltInSettings };
});
afterEach(() => workspace.platform.close());

const modelOf = (configuration: JsonObject, over: JsonObject = {}) =>
  createModel(platform, workspace.actor, {
    name: 'svm',
    projectId: workspace.project.id,
    entryPoint: 'modelfn/svm',
    className: 'SvmAdapter',
    configuration,
    ...over,
  });
const snapshotOf = (modelId: string, configuration: JsonObject, labels = ['x', 'z'], on = platform) =>
  createSnapshot(on, workspace.actor, {
    name: 'one',
    projectId: workspace.project.id,
    modelId,
    datasetId: workspace.dataset.id,
    ontologySpec: { ontologyId: null, labels },
    configuration,
  });
const refusal = (...fields: string[]) => ({
  code: 'InvalidInput',
  statusCode: 400,
  details: { problems: fields.map((field) => expect.objectContaining({ field })) },
});

describe('the configuration of a built-in adapter is checked when it is written', () => {
  it('with a model, all problems at once', async () => {
    await expect(modelOf({ C: 'much', kernl: 'rbf' })).rejects.toMatchObject(refusal('C', 'kernl'));
    const model = await modelOf({ C: 2 });

    await expect(
      updateModel(platform, workspace.actor, model.id, { configuration: { C: 0 } }),
    ).rejects.toMatchObject(refusal('C'));
    await expect(
      updateModel(platform, workspace.actor, model.id, { entryPoint: 'modelfn/onnx' }),
    ).rejects.toMatchObject(refusal('C'));
    await updateModel(platform, workspace.actor, model.id, { configuration: { C: 3 } });
  });

  it("with a snapshot, together with its model's and by its labels", async () => {
    const model = await modelOf({ image: { width: 8, height: 8 } });

    await expect(snapshotOf(model.id, { image: { channels: 2 } })).rejects.toMatchObject(
      refusal('image.channels'),
    );
    await expect(snapshotOf(model.id, { classWeights: { X: 5 } })).rejects.toMatchObject({
      ...refusal('classWeights.X'),
      message: expect.stringContaining('no label "X"; the nearest is "x"'),
    });
    const snapshot = await snapshotOf(model.id, { classWeights: { x: 5 } });
    const update = (patch: JsonObject) => updateSnapshot(platform, workspace.actor, snapshot.id, patch);

    await expect(update({ configuration: { gamma: 'large' } })).rejects.toMatchObject(refusal('gamma'));
    await expect(update({ ontologySpec: { ontologyId: null, labels: ['a', 'z'] } })).rejects.toMatchObject(
      refusal('classWeights.x'),
    );
    await expect(
      cloneSnapshot(platform, workspace.actor, snapshot.id, { name: 'two', configuration: { degree: 0.5 } }),
    ).rejects.toMatchObject(refusal('degree'));
    await update({ configuration: { gamma: 'auto' } });
  });

  it('and a label may come after the configuration that contains it', async () => {
    const model = await modelOf({ classWeights: { x: 2 } });

    await snapshotOf(model.id, {}, []);
  });

  it('but a wrong one that is there already does not stop other changes', async () => {
    const model = await modelOf({});
    const snapshot = await snapshotOf(model.id, { C: 0 }, ['x'], workspace.platform);

    await updateSnapshot(platform, workspace.actor, snapshot.id, { description: 'kept' });
  });

  it('and one of own code is left to its class', async () => {
    await modelOf({ anything: true }, { entryPoint: 'index.js', className: 'Own' });
  });
});

it('a class weight for a label that does not exist is refused before a training reads its items', async () => {
  const model = await modelOf({});
  // Written without a check. The dataset is empty: reading it first would be another error.
  const snapshot = await snapshotOf(model.id, { classWeights: { X: 5 } }, ['x', 'z'], workspace.platform);

  const training = runInPlace(createContainer(platform, builtInAdapters), trainFunction, {
    snapshot: snapshot.id,
  });

  await expect(training).rejects.toMatchObject(refusal('classWeights.X'));
});
