import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDataset, updateDataset } from '../../../shared/catalog/datasets.ts';
import { addLabels, labelsOfDataset, ontologyOfDataset } from '../../../shared/catalog/labels.ts';
import {
  createOntology,
  deleteOntology,
  getOntology,
  listOntologies,
  patchLabels,
  updateOntology,
} from '../../../shared/catalog/ontologies.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import {
  cloneRecipe,
  createRecipe,
  deleteRecipe,
  getRecipe,
  listRecipes,
  updateRecipe,
} from '../../../shared/catalog/recipes.ts';
import { labelsOf } from '../../../shared/entities/ontology.ts';
import { openWorkspace, STRANGER, type Workspace } from '../../support/workspace.ts';

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
});
afterEach(() => workspace.platform.close());

describe('labels of a dataset', () => {
  it('are added once, and those that are there keep their colour', async () => {
    const { platform, actor, dataset } = workspace;
    const first = await addLabels(platform, actor, dataset.id, [{ tag: 'cat', color: '#123456' }]);

    const second = await addLabels(platform, actor, dataset.id, ['cat', 'dog']);

    expect(second.id).toBe(first.id);
    expect(second.roots[0]!.value.color).toBe('#123456');
    expect(await labelsOfDataset(platform, dataset)).toEqual(['cat', 'dog']);
  });

  it('make recipe and ontology where there are none', async () => {
    const { platform, actor, project } = workspace;
    const input = { name: 'bare', projects: [project.id], createDefaultRecipe: false };
    const bare = await createDataset(platform, actor, input);

    await addLabels(platform, actor, bare.id, ['cat']);

    const now = await platform.store.get('Dataset', bare.id);
    expect(await labelsOfDataset(platform, now!)).toEqual(['cat']);
  });

  it('of a foreign ontology are neither told nor changed through an id in the metadata', async () => {
    const { platform, actor, dataset } = workspace;
    const other = await createProject(platform, actor, { name: 'p2' });
    const foreign = await createOntology(platform, actor, {
      projectIds: [other.id],
      roots: [{ value: { tag: 'secret' } }],
    });
    const recipe = await createRecipe(platform, actor, {
      title: 'r',
      projectIds: [workspace.project.id],
      ontologyIds: [foreign.id],
    });
    const patch = { metadata: { system: { recipes: [recipe.id] } } };
    const pointed = await updateDataset(platform, actor, dataset.id, patch, { system: true });

    expect(await labelsOfDataset(platform, pointed)).toEqual([]);
    await addLabels(platform, actor, dataset.id, ['mine']);
    expect(labelsOf((await platform.store.get('Ontology', foreign.id))!)).toEqual(['secret']);
  });
});

describe('ontologies', () => {
  it('a create completes the roots and is what a read answers', async () => {
    const { platform, actor, project } = workspace;

    const made = await createOntology(platform, actor, {
      projectIds: [project.id],
      roots: [{ value: { tag: 'car', displayLabel: 'Car', displayData: null }, children: [] }],
    });

    expect(made.roots[0]).toEqual({
      value: {
        tag: 'car',
        displayLabel: 'Car',
        color: expect.stringMatching(/^#[0-9a-f]{6}$/),
        attributes: [],
        displayData: {},
      },
      children: [],
    });
    expect(await getOntology(platform, actor, made.id)).toEqual(made);
  });

  it('a foreign or unknown project is a 403', async () => {
    const { platform, actor, project } = workspace;

    await expect(createOntology(platform, STRANGER, { projectIds: [project.id] })).rejects.toMatchObject({
      statusCode: 403,
    });
    await expect(createOntology(platform, actor, { projectIds: ['nowhere'] })).rejects.toMatchObject({
      statusCode: 403,
    });
  });

  it('an update takes roots and title from a whole ontology, and new projects only when usable', async () => {
    const { platform, actor, project } = workspace;
    const made = await createOntology(platform, actor, { projectIds: [project.id] });
    const other = await createProject(platform, actor, { name: 'p2' });
    const whole = { ...made, labels: [{ tag: 'noise' }], creator: 'x', roots: [{ value: { tag: 'a' } }] };

    const updated = await updateOntology(platform, actor, made.id, {
      ...whole,
      metadata: { system: { projectIds: [project.id, other.id] } },
    });

    expect(labelsOf(updated)).toEqual(['a']);
    expect(updated.metadata).toEqual({ system: { projectIds: [project.id, other.id] } });
    expect(updated.creator).toBe(made.creator);
    await expect(
      updateOntology(platform, actor, made.id, { metadata: { system: { projectIds: ['nowhere'] } } }),
    ).rejects.toMatchObject({ statusCode: 403 });
  });

  it('labels are added by dots, all or none, and upsert false only changes', async () => {
    const { platform, actor, dataset } = workspace;
    const { id } = (await ontologyOfDataset(platform, dataset))!;

    const added = await patchLabels(platform, actor, id, {
      labelsNode: [{ tag: 'a.b' }, { tag: 'c', color: '#010203' }],
      upsert: true,
    });
    expect(labelsOf(added)).toEqual(['a', 'a.b', 'c']);

    await expect(
      patchLabels(platform, actor, id, {
        labelsNode: [{ tag: 'c', color: '#ffffff' }, { tag: 'missing' }],
        upsert: false,
      }),
    ).rejects.toMatchObject({ code: 'LabelNotFound' });
    expect(await getOntology(platform, actor, id)).toEqual(added);
  });

  it('lists narrow by project and id, and a page past the end is empty', async () => {
    const { platform, actor, project } = workspace;
    const other = await createProject(platform, actor, { name: 'p2' });
    const made = await createOntology(platform, actor, { projectIds: [other.id] });

    expect((await listOntologies(platform, actor, { projectIds: [other.id] })).items).toEqual([made]);
    expect((await listOntologies(platform, actor, { ids: [made.id] })).items).toEqual([made]);
    expect((await listOntologies(platform, actor, { projectIds: [project.id] })).totalItemsCount).toBe(1);
    expect((await listOntologies(platform, actor, { page: 9, pageSize: 1 })).items).toEqual([]);
    expect((await listOntologies(platform, STRANGER, { projectIds: [other.id] })).items).toEqual([]);
  });

  it('a malformed id is a 400, a missing one a 404, a foreign one too', async () => {
    const { platform, actor, project } = workspace;
    const made = await createOntology(platform, actor, { projectIds: [project.id] });

    await expect(getOntology(platform, actor, 'x')).rejects.toMatchObject({ statusCode: 400 });
    await expect(getOntology(platform, actor, '0'.repeat(24))).rejects.toMatchObject({ statusCode: 404 });
    await expect(deleteOntology(platform, STRANGER, made.id)).rejects.toMatchObject({ statusCode: 404 });
    await deleteOntology(platform, actor, made.id);
    await expect(getOntology(platform, actor, made.id)).rejects.toMatchObject({ statusCode: 404 });
  });
});

describe('recipes', () => {
  it('a whole recipe sent back changes what is set and ignores nulls, ids and system metadata', async () => {
    const { platform, actor, project } = workspace;
    const made = await createRecipe(platform, actor, { title: 'r', projectIds: [project.id] });

    const updated = await updateRecipe(platform, actor, made.id, {
      ...made,
      id: 'x',
      title: 'new',
      ontologyIds: null,
      uiSettings: null,
      metadata: { system: { k: 1 }, note: 'n' },
    });

    expect(updated).toEqual({ ...made, title: 'new', metadata: { system: {}, note: 'n' } });
    expect(await getRecipe(platform, actor, made.id)).toEqual(updated);
  });

  it('a shallow clone shares the ontologies, a deep one has its own', async () => {
    const { platform, actor, dataset } = workspace;
    const [recipeId] = (dataset.metadata.system as { recipes: string[] }).recipes;
    await addLabels(platform, actor, dataset.id, ['cat']);
    const source = await getRecipe(platform, actor, recipeId!);

    const shallow = await cloneRecipe(platform, actor, source.id, { shallow: true });
    const deep = await cloneRecipe(platform, actor, source.id, { shallow: false });

    expect(shallow.ontologyIds).toEqual(source.ontologyIds);
    expect(deep.ontologyIds).not.toEqual(source.ontologyIds);
    expect(labelsOf(await getOntology(platform, actor, deep.ontologyIds[0]!))).toEqual(['cat']);
    expect((await listRecipes(platform, actor)).totalItemsCount).toBe(3);
  });

  it('a deep clone copies no ontology of a foreign project', async () => {
    const { platform, actor, project } = workspace;
    const other = await createProject(platform, actor, { name: 'p2' });
    const foreign = await createOntology(platform, actor, { projectIds: [other.id] });
    const input = { title: 'r', projectIds: [project.id], ontologyIds: [foreign.id] };
    const recipe = await createRecipe(platform, actor, input);

    const clone = await cloneRecipe(platform, actor, recipe.id, { shallow: false });

    expect(clone.ontologyIds).toEqual([]);
  });

  it('a stranger sees, clones and deletes none', async () => {
    const { platform, dataset } = workspace;
    const [id] = (dataset.metadata.system as { recipes: string[] }).recipes;

    expect((await listRecipes(platform, STRANGER)).items).toEqual([]);
    for (const attempt of [
      () => getRecipe(platform, STRANGER, id!),
      () => updateRecipe(platform, STRANGER, id!, { title: 'x' }),
      () => cloneRecipe(platform, STRANGER, id!, { shallow: true }),
      () => deleteRecipe(platform, STRANGER, id!),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'EntityNotFound' });
  });
});
