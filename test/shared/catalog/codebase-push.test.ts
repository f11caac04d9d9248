import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pushCodebase, pushModelCode } from '../../../shared/catalog/codebase-push.ts';
import { uploadItem } from '../../../shared/catalog/item-upload.ts';
import { getItem } from '../../../shared/catalog/items.ts';
import { STRANGER } from '../../support/workspace.ts';
import { type ModelWorkspace, openModelWorkspace } from './model-workspace.ts';

let workspace: ModelWorkspace;
beforeEach(async () => {
  workspace = await openModelWorkspace();
});
afterEach(() => workspace.platform.close());

const zip = (code: string): Uint8Array =>
  zipSync({ 'adapter.js': [Buffer.from(code), { mtime: new Date(1980, 0, 1) }] });

const push = (code: string, name = 'cb') =>
  pushCodebase(workspace.platform, workspace.actor, {
    projectId: workspace.project.id,
    name,
    archive: zip(code),
  });

describe('pushCodebase', () => {
  it('counts versions from 0, and the same bytes are the same version', async () => {
    const first = await push('a');
    const second = await push('b');
    const again = await push('a');

    expect([first, second].map(({ version, reused }) => ({ version, reused }))).toEqual([
      { version: 0, reused: false },
      { version: 1, reused: false },
    ]);
    expect(again).toEqual({ ...first, reused: true });
  });

  it('is where a client looks: /codebases/<name>/<n>.zip of Binaries, with its md5', async () => {
    const { platform, actor } = workspace;
    const { itemId } = await push('a');

    const item = await getItem(platform, actor, itemId);
    const dataset = await platform.store.get('Dataset', item.datasetId);

    expect(item).toMatchObject({
      filename: '/codebases/cb/0.zip',
      metadata: { system: { md5: expect.stringMatching(/^[0-9a-f]{32}$/) } },
    });
    expect(dataset?.name).toBe('Binaries');
  });

  it('two at once get a version each', async () => {
    const both = await Promise.all([push('a'), push('b')]);

    expect(both.map(({ version }) => version).sort()).toEqual([0, 1]);
    expect(both[0].itemId).not.toBe(both[1].itemId);
  });

  it('version 10 comes after 9, and other files of the folder do not count', async () => {
    const { platform, actor } = workspace;
    const { datasetId } = await getItem(platform, actor, (await push('a')).itemId);
    for (const name of ['9.zip', '12.txt', 'x.zip', 'old/20.zip'])
      await uploadItem(platform, actor, {
        datasetId,
        path: `/codebases/cb/${name}`,
        source: Buffer.from(name),
        mode: 'skip',
      });

    expect(await push('b')).toMatchObject({ version: 10 });
  });

  it('what is no zip, or not what the sender hashed, is refused and not kept', async () => {
    const { platform, actor, project } = workspace;
    const base = { projectId: project.id, name: 'cb' };

    await expect(
      pushCodebase(platform, actor, { ...base, archive: Buffer.from('no zip') }),
    ).rejects.toMatchObject({ code: 'ArchiveRefused' });
    await expect(
      pushCodebase(platform, actor, { ...base, archive: zip('a'), sha256: '0'.repeat(64) }),
    ).rejects.toMatchObject({ code: 'InvalidInput', details: { problems: [{ field: 'sha256' }] } });
    expect(await platform.store.count('Item', { filter: { type: 'file' } })).toBe(0);
  });

  it.each(['..', 'a/b', '', ' '])('a codebase cannot be called %j', async (name) => {
    await expect(push('a', name)).rejects.toMatchObject({ statusCode: 400 });
  });
});

describe('pushModelCode', () => {
  it('points the model at the code, which makes its next version once', async () => {
    const { platform, actor, model } = workspace;
    const code = { modelId: model.id, archive: zip('a'), entryPoint: 'adapter.js', className: 'Mine' };

    const first = await pushModelCode(platform, actor, code);
    const again = await pushModelCode(platform, actor, code);

    expect(first.model).toMatchObject({
      version: '1.0.1',
      entryPoint: 'adapter.js',
      className: 'Mine',
      codebase: { type: 'item', itemId: first.codebase.itemId },
    });
    expect(again.model).toEqual(first.model);
  });

  it('the pushed code can be checked out', async () => {
    const { platform, actor, model } = workspace;
    const { model: pushed } = await pushModelCode(platform, actor, { modelId: model.id, archive: zip('a') });

    const codebase = await platform.openCodebase(pushed.codebase, pushed.projectId);

    expect((await codebase.checkout()).digest).toMatch(/^[0-9a-f]{64}$/);
    await expect(
      platform.openCodebase(pushed.codebase, 'another-project').then((foreign) => foreign.checkout()),
    ).rejects.toMatchObject({ code: 'CodebaseNotFound' });
  });

  it('a stranger pushes nothing', async () => {
    const { platform, model } = workspace;

    await expect(
      pushModelCode(platform, STRANGER, { modelId: model.id, archive: zip('a') }),
    ).rejects.toMatchObject({ code: 'EntityNotFound' });
    expect(await platform.store.count('Item', {})).toBe(0);
  });
});
