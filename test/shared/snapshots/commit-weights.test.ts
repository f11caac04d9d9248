import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ModelWorkspace, openModelWorkspace, saveWeights } from '../catalog/model-workspace.ts';

let workspace: ModelWorkspace;
beforeEach(async () => {
  workspace = await openModelWorkspace();
});
afterEach(() => workspace.platform.close());

it('of two saves from one revision the first is kept, and the second is told so', async () => {
  const { platform, snapshot } = workspace;
  const first = await saveWeights(workspace, snapshot, 'first');

  await expect(saveWeights(workspace, snapshot, 'second')).rejects.toMatchObject({
    code: 'RevisionMoved',
    statusCode: 409,
    details: { expected: 0, found: 1 },
  });
  expect(await platform.store.get('Snapshot', snapshot.id)).toEqual(first);
});
