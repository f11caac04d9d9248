import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createAnnotations,
  deleteAnnotation,
  getAnnotation,
  updateAnnotation,
} from '../../../shared/catalog/annotations.ts';
import { setReadonly } from '../../../shared/catalog/datasets.ts';
import { makeDir } from '../../../shared/catalog/folders.ts';
import { getItem } from '../../../shared/catalog/items.ts';
import type { Item } from '../../../shared/entities/item.ts';
import type { JsonObject } from '../../../shared/json.ts';
import {
  eventNames,
  openWorkspace,
  put,
  STRANGER,
  takeEvents,
  type Workspace,
} from '../../support/workspace.ts';

let workspace: Workspace;
let item: Item;
beforeEach(async () => {
  workspace = await openWorkspace();
  item = await put(workspace, '/a.png');
  await takeEvents(workspace.platform);
});
afterEach(() => workspace.platform.close());

const create = (input: unknown) => createAnnotations(workspace.platform, workspace.actor, item.id, input);

describe('annotations', () => {
  it('coordinates come back digit for digit, and no z is added', async () => {
    const coordinates = [{ x: 10.12345678901234, y: 2 }, { x: 1e-7, y: -3 }, 45.5];

    const [made] = await create([{ type: 'box', label: 'car', coordinates, attributes: ['a'] }]);

    expect(made!.coordinates).toEqual(coordinates);
    expect(await getAnnotation(workspace.platform, workspace.actor, made!.id)).toEqual(made);
  });

  it('what the client sends as null is filled in', async () => {
    const [made] = await create([
      {
        id: null,
        url: null,
        creator: null,
        hash: null,
        createdAt: null,
        updatedBy: null,
        updatedAt: null,
        type: 'class',
        label: 'cat',
        attributes: null,
        metadata: null,
      },
    ]);

    expect(made).toMatchObject({
      creator: 'local@modelfn',
      updatedBy: 'local@modelfn',
      attributes: [],
      metadata: { system: {} },
      source: 'sdk',
      hash: null,
      itemId: item.id,
      datasetId: workspace.dataset.id,
    });
    expect(made!.id).toMatch(/^[0-9a-f]{24}$/);
  });

  it('annotated and annotationsCount follow at once, and no Item Updated is told', async () => {
    const { platform, actor } = workspace;

    const made = await create([
      { type: 'class', label: 'a' },
      { type: 'class', label: 'b' },
    ]);
    expect(await getItem(platform, actor, item.id)).toMatchObject({ annotated: true, annotationsCount: 2 });
    for (const { id } of made) await deleteAnnotation(platform, actor, id);

    expect(await getItem(platform, actor, item.id)).toMatchObject({ annotated: false, annotationsCount: 0 });
    expect(eventNames(await takeEvents(platform))).toEqual([
      'Annotation Created',
      'Annotation Created',
      'Annotation Deleted',
      'Annotation Deleted',
    ]);
  });

  it('an empty batch answers an empty list, on a locked dataset too', async () => {
    const { platform, actor, dataset } = workspace;
    await setReadonly(platform, actor, dataset.id, true);

    expect(await create([])).toEqual([]);
    await expect(create([{ type: 'class', label: 'a' }])).rejects.toMatchObject({ code: 'DatasetReadonly' });
  });

  it('a single object is a batch of one', async () => {
    expect(await create({ type: 'class', label: 'a' })).toHaveLength(1);
  });

  it('one bad annotation keeps the whole batch out', async () => {
    await expect(create([{ type: 'class', label: 'a' }, { type: 'box' }])).rejects.toMatchObject({
      code: 'InvalidInput',
      details: { problems: [{ field: '1.label' }] },
    });
    expect(await workspace.platform.store.count('Annotation', {})).toBe(0);
  });

  it('a folder takes none', async () => {
    const { platform, actor, dataset } = workspace;
    const folder = await makeDir(platform, actor, dataset.id, '/f');

    await expect(
      createAnnotations(platform, actor, folder.id, [{ type: 'class', label: 'a' }]),
    ).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  it('a diff merges objects, replaces lists and leaves system metadata to those who may', async () => {
    const { platform, actor } = workspace;
    const [made] = await create([
      {
        type: 'ellipse',
        label: 'a',
        coordinates: { center: { x: 1, y: 2, z: 0 }, rx: 3, ry: 4, angle: 0 },
        attributes: ['x', 'y'],
        metadata: { system: { automated: true }, user: { k: 1 } },
      },
    ]);
    platform.clock.advance(1000);

    const updated = await updateAnnotation(platform, actor, made!.id, {
      coordinates: { center: { x: 9 } },
      attributes: ['z'],
      metadata: { system: { automated: false }, user: { k: null, j: 2 } },
      hash: null,
      creator: null,
      id: 'other',
    });

    expect(updated).toEqual({
      ...made,
      coordinates: { center: { x: 9, y: 2, z: 0 }, rx: 3, ry: 4, angle: 0 },
      attributes: ['z'],
      metadata: { system: { automated: true }, user: { j: 2 } },
      updatedAt: '2026-01-31T12:00:01.000Z',
    });
    const open = await updateAnnotation(
      platform,
      actor,
      made!.id,
      { metadata: { system: { automated: null } } },
      { system: true },
    );
    expect(open.metadata.system).toEqual({});
  });

  it('a diff that changes nothing tells nothing and keeps the time', async () => {
    const { platform, actor } = workspace;
    const [made] = await create([{ type: 'class', label: 'a' }]);
    await takeEvents(platform);
    platform.clock.advance(1000);

    expect(await updateAnnotation(platform, actor, made!.id, { label: 'a', url: null })).toEqual(made);
    expect(await takeEvents(platform)).toEqual([]);
  });

  it('a hostile key is refused, and reaches no prototype', async () => {
    const hostile = JSON.parse('{"system":{"__proto__":{"polluted":1}}}') as JsonObject;

    await expect(create([{ type: 'class', label: 'a', metadata: hostile }])).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('__proto__'),
    });

    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('a key that only sounds hostile does not get in the way', async () => {
    const metadata = { system: {}, constructor: { prototype: { x: 1 } } } as unknown as JsonObject;

    const [made] = await create([{ type: 'class', label: 'a', metadata }]);

    expect(made!.metadata).toEqual({ system: {} });
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('a stranger neither reads nor writes any', async () => {
    const { platform } = workspace;
    const [made] = await create([{ type: 'class', label: 'a' }]);

    for (const attempt of [
      () => getAnnotation(platform, STRANGER, made!.id),
      () => updateAnnotation(platform, STRANGER, made!.id, { label: 'b' }),
      () => deleteAnnotation(platform, STRANGER, made!.id),
      () => createAnnotations(platform, STRANGER, item.id, []),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'EntityNotFound' });
  });

  it('a malformed id is a 400, a missing one a 404', async () => {
    const { platform, actor } = workspace;

    await expect(getAnnotation(platform, actor, 'x')).rejects.toMatchObject({ statusCode: 400 });
    await expect(getAnnotation(platform, actor, 'a'.repeat(24))).rejects.toMatchObject({ statusCode: 404 });
  });
});
