import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { predictFunction } from '../../functions/predict/predict.ts';
import { saveFunction } from '../../functions/save/save.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createItemBucket } from '../../shared/catalog/item-folder.ts';
import { getItem } from '../../shared/catalog/items.ts';
import { listRevisions, restoreSnapshot } from '../../shared/catalog/snapshot-revisions.ts';
import { createSnapshot, getSnapshot } from '../../shared/catalog/snapshots.ts';
import type { Config } from '../../shared/config.ts';
import type { BucketSpec } from '../../shared/entities/bucket-spec.ts';
import type { Item } from '../../shared/entities/item.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { Platform } from '../../shared/platform.ts';
import { bucketTypes } from '../shared/buckets/openers.ts';
import { BUCKET_KINDS } from '../support/bucket-kinds.ts';
import { GIT_MISSING } from '../support/git-program.ts';
import { runInPlace } from '../support/run-function.ts';
import { startTestApi, type TestApi } from '../support/test-api.ts';
import { openPath } from '../support/test-platform.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

const SWAPPED = JSON.stringify({ low: 12, high: 2 });

let space: TinyWorkspace;

async function open(config: Partial<Config> = {}): Promise<void> {
  space = await openTinyWorkspace({ config });
  onTestFinished(() => space.platform.close());
}

const snapshotIn = (bucket: BucketSpec, name = 'shown'): Promise<Snapshot> =>
  createSnapshot(space.platform, LOCAL_ACTOR, {
    ...{ name, projectId: space.project.id, modelId: space.model.id, datasetId: space.dataset.id },
    bucket,
  });
const itemBucket = (snapshotName = 'shown') =>
  createItemBucket(space.platform, LOCAL_ACTOR, {
    ...{ projectId: space.project.id, modelName: 'tiny', snapshotName },
  });
const train = (snapshot: Snapshot, container = space.container) =>
  runInPlace(container, trainFunction, { snapshot: snapshot.id });
const labelOf = async (snapshot: Snapshot, container = space.container) => {
  const output = await runInPlace(container, predictFunction, {
    ...{ snapshot: snapshot.id, item: space.items.get('/test/4.json')!.id, write: false },
  });
  const [{ annotations }] = output.predictions as [{ annotations: [{ label: string }] }];
  return [annotations[0].label, (output.snapshot as { revision: number }).revision];
};
const revisionsOf = async ({ id }: Snapshot) =>
  (await listRevisions(space.platform, LOCAL_ACTOR, id)).items.map(({ revision }) => revision);

/** What the Dataloop SDK sends, request by request. */
class SdkClient {
  readonly #api: TestApi;
  readonly #folder: Item;

  private constructor(api: TestApi, folder: Item) {
    this.#api = api;
    this.#folder = folder;
  }

  static async open({ bucket }: Snapshot): Promise<SdkClient> {
    const api = await startTestApi(space.platform);
    onTestFinished(() => api.close());
    const { itemId } = bucket as { itemId: string };
    return new SdkClient(api, await getItem(space.platform, LOCAL_ACTOR, itemId));
  }

  /** Names and texts, as `bucket.download` brings them. */
  async download(): Promise<Record<string, string>> {
    const files: Record<string, string> = {};
    for (const { id, filename } of await this.#list()) {
      const response = await this.#api.send('GET', `/items/${id}/stream`);
      files[filename.slice(this.#folder.filename.length + 1)] = await response.text();
    }
    return files;
  }

  async emptyBucket(): Promise<void> {
    const { status } = await this.#query({ delete: true });
    expect(status).toBe(200);
  }

  /** Deletes by a filter of the caller's own. */
  async deleteAll(filter: JsonObject): Promise<void> {
    const path = `/datasets/${this.#folder.datasetId}/query`;
    expect((await this.#api.json('POST', path, { filter, resource: 'items', delete: true })).status).toBe(
      200,
    );
  }

  async upload(files: Record<string, string>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      const form = new FormData();
      form.append('type', 'file');
      form.append('path', `${this.#folder.filename}/${name}`);
      form.append('file', new Blob([text]), name);
      const path = `/datasets/${this.#folder.datasetId}/items?mode=overwrite`;
      expect((await this.#api.send('POST', path, form)).status).toBe(200);
    }
  }

  /** The whole snapshot as it was fetched, with the status that `save_to_snapshot` sets. */
  async update({ id }: Snapshot): Promise<JsonObject> {
    const { body } = await this.#api.json<JsonObject>('GET', `/snapshots/${id}`);
    return (await this.#api.json<JsonObject>('PATCH', `/snapshots/${id}`, { ...body, status: 'trained' }))
      .body;
  }

  async #list(): Promise<{ id: string; filename: string }[]> {
    const { body } = await this.#query({ page: 0, pageSize: 1000 });
    return body.items as { id: string; filename: string }[];
  }

  #query(envelope: JsonObject) {
    const filter = { $and: [{ hidden: false }, { type: 'file' }, { dir: `${this.#folder.filename}*` }] };
    return this.#api.json<JsonObject>('POST', `/datasets/${this.#folder.datasetId}/query`, {
      ...{ filter, resource: 'items', ...envelope },
    });
  }
}

describe('an item bucket, to a client that sends what the Dataloop SDK sends', () => {
  let snapshot: Snapshot;
  let client: SdkClient;
  beforeEach(async () => {
    await open();
    snapshot = await snapshotIn(await itemBucket());
    client = await SdkClient.open(snapshot);
  });

  it('has the trained files under their own names, and nothing of the history', async () => {
    await train(snapshot);

    const files = await client.download();

    // One file more, as the SDK copies nothing out of a folder with a single one.
    expect(files).toEqual({ '.keep': '', 'means.json': '{"low":2,"high":12}' });
  });

  it('has the files of the newest revision, and none of the one before', async () => {
    await train(snapshot);
    const directory = openPath(space.platform, 'upload');
    await mkdir(join(directory, 'sub'), { recursive: true });
    await writeFile(join(directory, 'sub', 'a.bin'), 'a');
    await writeFile(join(directory, 'b.bin'), 'b');

    await runInPlace(space.container, saveFunction, { snapshot: snapshot.id, directory });

    expect(await client.download()).toMatchObject({ 'b.bin': 'b', 'sub/a.bin': 'a' });
    expect(await client.download()).not.toHaveProperty(['means.json']);
  });

  it('takes an upload in place of the weights: the server predicts with it, and it is a revision', async () => {
    await client.upload({ 'means.json': '{"low":2,"high":12}' });
    expect(await labelOf(snapshot)).toEqual(['low', 1]);

    await client.upload({ 'means.json': SWAPPED });

    expect(await labelOf(snapshot)).toEqual(['high', 2]);
    expect(await revisionsOf(snapshot)).toEqual([2, 1]);
  });

  it('can be emptied and filled again, and the trained revision is restored with its visible files', async () => {
    await train(snapshot);
    await client.emptyBucket();
    await expect(labelOf(snapshot)).rejects.toMatchObject({ code: 'WeightsRemoved', statusCode: 404 });
    await client.upload({ 'means.json': SWAPPED, 'notes.txt': 'by the SDK' });

    const updated = await client.update(snapshot);
    const predicted = await labelOf(snapshot, createContainer(space.platform, space.builtIns));
    const listed = await revisionsOf(snapshot);
    await restoreSnapshot(space.platform, LOCAL_ACTOR, snapshot.id, { revision: 1 });

    expect(updated).toMatchObject({ status: 'trained', revision: 2 });
    expect(updated).not.toHaveProperty('visible');
    expect(predicted).toEqual(['high', 2]);
    expect(listed).toEqual([2, 1]);
    expect(await labelOf(snapshot)).toEqual(['low', 3]);
    expect(await client.download()).toEqual({ '.keep': '', 'means.json': '{"low":2,"high":12}' });
    await restoreSnapshot(space.platform, LOCAL_ACTOR, snapshot.id, { revision: 2 });
    expect(await client.download()).toMatchObject({ 'means.json': SWAPPED, 'notes.txt': 'by the SDK' });
  });

  it('is restored although it was emptied and nothing was uploaded', async () => {
    await train(snapshot);
    await client.emptyBucket();

    await restoreSnapshot(space.platform, LOCAL_ACTOR, snapshot.id, { revision: 1 });

    expect(await labelOf(snapshot)).toEqual(['low', 2]);
    expect(await client.download()).toHaveProperty(['means.json']);
  });

  it.for([
    ['all below the folder, hidden or not', (folder: string): JsonObject => ({ dir: `${folder}*` })],
    ['all whose path begins with the folder', (folder: string): JsonObject => ({ filename: `${folder}/*` })],
    ['hidden files', (): JsonObject => ({ hidden: true })],
  ] as const)('keeps its history when a filter deletes %s', async ([, filterOf]) => {
    await train(snapshot);
    const folder = await getItem(space.platform, LOCAL_ACTOR, (snapshot.bucket as { itemId: string }).itemId);

    await client.deleteAll(filterOf(folder.filename));
    await client.upload({ 'means.json': SWAPPED });
    await restoreSnapshot(space.platform, LOCAL_ACTOR, snapshot.id, { revision: 1 });

    expect(await labelOf(snapshot)).toEqual(['low', expect.any(Number)]);
  });

  it('of a release that did not hide its history loads, and hides it with the next save', async () => {
    await train(snapshot);
    await showHistory(space.platform, snapshot);
    const container = createContainer(space.platform, space.builtIns);

    expect(await labelOf(snapshot, container)).toEqual(['low', 1]);
    expect(Object.keys(await client.download()).some((name) => name.startsWith('objects/'))).toBe(true);
    await train(snapshot, container);

    expect(Object.keys(await client.download()).sort()).toEqual(['.keep', 'means.json']);
    await restoreSnapshot(space.platform, LOCAL_ACTOR, snapshot.id, { revision: 1 });
    expect(await labelOf(snapshot)).toEqual(['low', 3]);
  });

  it('that two snapshots name is not shown in, so that neither takes the weights of the other for its own', async () => {
    const other = await snapshotIn(snapshot.bucket, 'other');
    await train(snapshot);

    expect(await client.download()).toEqual({});
    await expect(labelOf(other)).rejects.toMatchObject({ code: 'WeightsMissing' });
    expect(await labelOf(snapshot)).toEqual(['low', 1]);
  });

  it('with files of others is not shown in when a snapshot moves there', async () => {
    await train(snapshot);
    const bucket = await itemBucket('elsewhere');
    const foreign = await space.platform.openBucket(snapshot, bucket);
    await foreign.write('readme.txt', new TextEncoder().encode('not weights'));

    await runInPlace(space.container, saveFunction, {
      ...{ snapshot: snapshot.id, fromSnapshot: snapshot.id, bucket: bucket as JsonObject },
    });

    expect(await labelOf(snapshot)).toEqual(['low', 2]);
    const moved = await SdkClient.open(await getSnapshot(space.platform, LOCAL_ACTOR, snapshot.id));
    expect(await moved.download()).toEqual({ 'readme.txt': 'not weights' });
  });

  it('holds each file once in the content store, whatever its names', async () => {
    await train(snapshot);

    const { items } = await space.platform.store.query('Item', {
      filter: { $and: [{ type: 'file' }, { 'content.sizeBytes': 19 }] },
    });
    const weights = items.filter(({ content }) => content?.sizeBytes === '{"low":2,"high":12}'.length);

    expect(weights.map(({ hidden }) => hidden).sort()).toEqual([false, true]);
    expect(new Set(weights.map(({ content }) => content?.sha256)).size).toBe(1);
  });
});

describe.for(bucketTypes)('in a bucket of type %s that shows weights', (type) => {
  it.skipIf(type === 'git' && GIT_MISSING !== undefined)(
    'a save that is stopped before the names are written is finished by the next load',
    async () => {
      const kind = await BUCKET_KINDS[type]();
      await open({ ...kind.config, visibleWeights: [type] });
      const snapshot = await snapshotIn(await kind.spec(space));
      await train(snapshot);
      const stopped = createContainer(withoutNames(space.platform), space.builtIns);
      const directory = openPath(space.platform, 'upload');
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, 'means.json'), SWAPPED);
      await writeFile(join(directory, 'more.txt'), 'more');

      await runInPlace(stopped, saveFunction, { snapshot: snapshot.id, directory });
      const between = await visibleIn(snapshot);
      const predicted = await labelOf(snapshot, createContainer(space.platform, space.builtIns));

      expect(between).toEqual({ 'means.json': '{"low":2,"high":12}' });
      expect(predicted).toEqual(['high', 2]);
      expect(await visibleIn(snapshot)).toEqual({ 'means.json': SWAPPED, 'more.txt': 'more' });
      expect(await labelOf(snapshot)).toEqual(['high', 2]);
    },
  );
});

it('a client that writes before stopped names were finished is not overwritten', async () => {
  await open();
  const snapshot = await snapshotIn(await itemBucket());
  const client = await SdkClient.open(snapshot);
  await train(snapshot);
  const directory = openPath(space.platform, 'upload');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'means.json'), '{"low":3,"high":13}');
  const stopped = createContainer(withoutNames(space.platform), space.builtIns);
  await runInPlace(stopped, saveFunction, { snapshot: snapshot.id, directory });

  await client.upload({ 'means.json': SWAPPED });

  expect(await labelOf(snapshot)).toEqual(['high', 3]);
  expect(await client.download()).toMatchObject({ 'means.json': SWAPPED });
  await restoreSnapshot(space.platform, LOCAL_ACTOR, snapshot.id, { revision: 2 });
  expect(await client.download()).toMatchObject({ 'means.json': '{"low":3,"high":13}' });
});

it('a local bucket that shows weights has them as plain files, and a bucket that was filled by hand is kept as a revision', async () => {
  const kind = await BUCKET_KINDS.local();
  await open({ ...kind.config, visibleWeights: ['local'] });
  const snapshot = await snapshotIn(await kind.spec(space));
  const bucket = await space.platform.openBucket(snapshot, snapshot.bucket);
  await bucket.write('means.json', new TextEncoder().encode(SWAPPED));

  await train(snapshot);

  const { localPath } = snapshot.bucket as { localPath: string };
  expect(await readFile(join(localPath, 'means.json'), 'utf8')).toBe('{"low":2,"high":12}');
  expect(await labelOf(snapshot)).toEqual(['low', 2]);
  await restoreSnapshot(space.platform, LOCAL_ACTOR, snapshot.id, { revision: 1 });
  expect(await labelOf(snapshot)).toEqual(['high', 3]);
  expect(await readFile(join(localPath, 'means.json'), 'utf8')).toBe(SWAPPED);
});

async function visibleIn(snapshot: Snapshot): Promise<Record<string, string>> {
  const bucket = await space.platform.openBucket(snapshot, snapshot.bucket);
  const files: Record<string, string> = {};
  for await (const { key } of bucket.list()) {
    if (/^(objects|manifests)\//.test(key) || key === '.keep') continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of bucket.read(key)) chunks.push(chunk);
    files[key] = Buffer.concat(chunks).toString();
  }
  return files;
}

/** A platform that stops before it writes a file under its own name. */
function withoutNames(platform: Platform): Platform {
  const stop = () => Promise.reject(new Error('stopped'));
  const isNamed = (key: unknown) => !/^(objects|manifests)\//.test(String(key));
  return {
    ...platform,
    openBucket: async (owner, spec) => stopping(await platform.openBucket(owner, spec)),
  };

  function stopping<T extends object>(bucket: T): T {
    return new Proxy(bucket, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        if (name === 'together')
          return (work: (batch: object) => Promise<unknown>, ...rest: unknown[]) =>
            value.call(target, (batch: object) => work(stopping(batch)), ...rest) as unknown;
        if (!['write', 'link', 'delete'].includes(String(name))) return value.bind(target);
        return (...given: unknown[]) =>
          isNamed(given[0]) ? stop() : (value.apply(target, given) as unknown);
      },
    });
  }
}

/** Makes a bucket what a release left that neither hid its history nor showed names. */
async function showHistory(platform: Platform, snapshot: Snapshot): Promise<void> {
  const { itemId } = snapshot.bucket as { itemId: string };
  const folder = await getItem(platform, LOCAL_ACTOR, itemId);
  const { items } = await platform.store.query('Item', {
    filter: { $and: [{ type: 'file' }, { filename: `${folder.filename}/*` }] },
  });
  const named = items.filter(({ hidden }) => !hidden).map(({ id }) => id);
  await platform.store.delete('Item', named);
  const history = items.filter(({ hidden }) => hidden).map((item) => ({ ...item, hidden: false }));
  await platform.store.upsert('Item', history);
  await platform.store.update('Snapshot', snapshot.id, ({ visible: _never, ...before }) => before);
}
