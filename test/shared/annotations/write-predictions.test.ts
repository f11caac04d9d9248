import { afterEach, beforeEach, expect, it } from 'vitest';
import { writePredictions } from '../../../shared/annotations/write-predictions.ts';
import { deleteItem } from '../../../shared/catalog/items.ts';
import { openStage, type Stage } from '../catalog/write-operations.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.platform.close());

const write = (revision: number) => {
  const { platform, actor, snapshot, model, file } = stage;
  const by = { snapshot: { ...snapshot, revision }, model, codeDigest: 'x' };
  const predictions = [{ type: 'class', label: 'a', confidence: 1 }];
  return writePredictions(platform, actor, by, [{ item: file, predictions }]);
};

it('nothing is written for an item that was deleted while it was predicted', async () => {
  const { platform, actor, file } = stage;
  await deleteItem(platform, actor, file.id);

  expect(await write(2)).toEqual({ annotations: [], goneItemIds: [file.id] });
  expect(await platform.store.count('Annotation', {})).toBe(0);
});

it('the same prediction of another revision is another annotation', async () => {
  const [second] = (await write(2)).annotations;
  const [third] = (await write(3)).annotations;

  expect(third!.id).not.toBe(second!.id);
  expect(await stage.platform.store.getMany('Annotation', [second!.id, third!.id])).toMatchObject([
    { entity: { id: third!.id } },
  ]);
});
