import { open, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { evaluateFunction } from '../../functions/evaluate/evaluate.ts';
import { loadFunction } from '../../functions/load/load.ts';
import { predictFunction } from '../../functions/predict/predict.ts';
import { saveFunction } from '../../functions/save/save.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import type { Bucket } from '../../shared/buckets/bucket.ts';
import { listRevisions, restoreSnapshot } from '../../shared/catalog/snapshot-revisions.ts';
import { createSnapshot, getSnapshot } from '../../shared/catalog/snapshots.ts';
import type { Config } from '../../shared/config.ts';
import { sha256Of } from '../../shared/content/file-digest.ts';
import type { BucketType } from '../../shared/entities/bucket-spec.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import type { Container } from '../../shared/invoke/run.ts';
import { canonicalJson, type JsonObject } from '../../shared/json.ts';
import type { Platform } from '../../shared/platform.ts';
import { listBareObjects } from '../../shared/snapshots/files/bare-files.ts';
import { stateOf } from '../../shared/snapshots/visible-files.ts';
import { bucketTypes } from '../shared/buckets/openers.ts';
import { BUCKET_KINDS } from '../support/bucket-kinds.ts';
import { GIT_MISSING } from '../support/git-program.ts';
import { runInPlace } from '../support/run-function.ts';
import type { TinyProbe } from '../support/tiny-adapter.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
/** By these the item of 4 is low, as it is after a training. */
const RIGHT = bytes({ low: 2, high: 12 });
/** As many bytes, and the item of 4 is high. */
const SWAPPED = bytes({ low: 12, high: 2 });

interface Place extends TinyWorkspace {
  snapshot: Snapshot;
  /** Another client of the bucket: nothing that the container holds is told of what it does. */
  client(): Promise<Bucket>;
  /** `{label, revision, cold}` of a prediction. */
  predict(container?: Container): Promise<JsonObject>;
  current(): Promise<Snapshot>;
}

async function openPlace(
  type: BucketType,
  options: { config?: Partial<Config>; probe?: Partial<TinyProbe> } = {},
): Promise<Place> {
  const kind = await BUCKET_KINDS[type]();
  const { config, probe } = options;
  const space = await openTinyWorkspace({ config: { ...kind.config, ...config }, ...(probe && { probe }) });
  onTestFinished(() => space.platform.close());
  const { platform, project, model, dataset } = space;
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
    ...{ name: 'written', projectId: project.id, modelId: model.id, datasetId: dataset.id },
    bucket: await kind.spec(space),
  });
  return {
    ...space,
    snapshot,
    client: () => platform.openBucket(snapshot, snapshot.bucket),
    current: () => getSnapshot(platform, LOCAL_ACTOR, snapshot.id),
    predict: async (container = space.container) => {
      const output = await runInPlace(container, predictFunction, {
        snapshot: snapshot.id,
        item: space.items.get('/test/4.json')!.id,
        write: false,
      });
      const [{ annotations }] = output.predictions as [{ annotations: [{ label: string }] }];
      const { revision } = output.snapshot as { revision: number };
      return { label: annotations[0].label, revision, cold: output.cold! };
    },
  };
}

const write = async (place: Place, key: string, content: Uint8Array): Promise<void> => {
  await (await place.client()).write(key, content);
};
const train = (place: Place) => runInPlace(place.container, trainFunction, { snapshot: place.snapshot.id });
const namesIn = async (bucket: Bucket): Promise<string[]> => {
  const names: string[] = [];
  for await (const { key } of bucket.list()) if (!/^(objects|manifests)\//.test(key)) names.push(key);
  return names;
};

describe.for(bucketTypes)('files that another client writes into a bucket of type %s', (type) => {
  it.skipIf(type === 'git' && GIT_MISSING !== undefined)(
    'are predicted with by a warm container and by another one, under a revision of their own',
    async () => {
      const place = await openPlace(type);
      await write(place, 'means.json', RIGHT);
      const before = await place.predict();
      const warm = await place.predict();

      await write(place, 'means.json', SWAPPED);
      const after = await place.predict();
      const elsewhere = await place.predict(createContainer(place.platform, place.builtIns));
      const again = await place.predict();

      expect(before).toMatchObject({ label: 'low', cold: true });
      expect(warm).toMatchObject({ label: 'low', cold: false, revision: before.revision! });
      expect(after).toMatchObject({ label: 'high', cold: true, revision: Number(before.revision) + 1 });
      expect(elsewhere).toEqual(after);
      expect(again).toEqual({ ...after, cold: false });
    },
  );

  it.skipIf(type === 'git' && GIT_MISSING !== undefined)(
    'beside saved weights become the next revision, and the saved one can be restored',
    async () => {
      const place = await openPlace(type);
      await train(place);
      expect(await place.predict()).toMatchObject({ label: 'low', revision: 1 });

      await write(place, 'means.json', SWAPPED);
      const after = await place.predict();
      const restored = await restoreSnapshot(place.platform, LOCAL_ACTOR, place.snapshot.id, { revision: 1 });

      expect(after).toMatchObject({ label: 'high', revision: 2 });
      expect(restored.revision).toBe(3);
      expect(await place.predict()).toMatchObject({ label: 'low', revision: 3 });
      expect(await place.predict(createContainer(place.platform, place.builtIns))).toMatchObject({
        ...{ label: 'low', revision: 3 },
      });
    },
  );

  it.skipIf(type === 'git' && GIT_MISSING !== undefined)(
    'make a revision when one of them is deleted, none when the same bytes are written again, and an error when all are gone',
    async () => {
      const place = await openPlace(type);
      await write(place, 'means.json', RIGHT);
      await write(place, 'notes.txt', bytes('two files'));
      const { revision } = (await place.predict()) as { revision: number };

      await write(place, 'means.json', RIGHT);
      expect(await place.predict()).toMatchObject({ revision, cold: false });
      await (await place.client()).delete('notes.txt');
      expect(await place.predict()).toMatchObject({ label: 'low', revision: revision + 1, cold: true });
      await (await place.client()).delete('means.json');
      await expect(place.predict()).rejects.toMatchObject({
        code: expect.stringMatching(/^Weights(Removed|Missing)$/),
      });
      await write(place, 'means.json', SWAPPED);
      expect(await place.predict()).toMatchObject({ label: 'high', revision: revision + 2 });
    },
  );
});

describe.for(bucketTypes.filter((type) => type !== 'git'))(
  'a revision that was written into a bucket of type %s',
  (type) => {
    it('is listed with its digest and can be restored after the files changed again', async () => {
      const place = await openPlace(type);
      await train(place);
      await write(place, 'means.json', SWAPPED);
      await place.predict();
      await write(place, 'means.json', bytes({ low: 3, high: 13 }));
      await place.predict();

      const { items } = await listRevisions(place.platform, LOCAL_ACTOR, place.snapshot.id);
      await restoreSnapshot(place.platform, LOCAL_ACTOR, place.snapshot.id, { revision: 2 });

      expect(items.map(({ revision }) => revision)).toEqual([3, 2, 1]);
      expect(new Set(items.map(({ weights }) => weights.manifestSha256)).size).toBe(3);
      expect(items[0]).toMatchObject({ lineage: { direct: { after: 2, base: 1, files: 1 } }, files: 1 });
      expect(await place.predict()).toMatchObject({ label: 'high', revision: 4 });
    });
  },
);

describe('direct writes', () => {
  it('of the same size and the same time of last write are seen in a local bucket', async () => {
    const place = await openPlace('local');
    const path = join((place.snapshot.bucket as { localPath: string }).localPath, 'means.json');
    await write(place, 'means.json', RIGHT);
    // A whole second, which can be set to the nanosecond again.
    const time = new Date('2026-01-01T00:00:00Z');
    await utimes(path, time, time);
    await place.predict();
    // As if the first prediction had been long ago, and its list remembered.
    await rememberList(place);

    const file = await open(path, 'r+');
    await file.write(SWAPPED);
    await file.close();
    await utimes(path, time, time);

    expect(await place.predict()).toMatchObject({ label: 'high', revision: 1 });
  });

  it('that follow each other within a tick of the clock are all seen in a local bucket', async () => {
    const place = await openPlace('local');
    await write(place, 'means.json', RIGHT);
    await place.predict();
    const path = join((place.snapshot.bucket as { localPath: string }).localPath, 'means.json');

    for (const [content, label] of [
      ...[[SWAPPED, 'high'] as const, [RIGHT, 'low'] as const],
      ...[[SWAPPED, 'high'] as const, [RIGHT, 'low'] as const],
    ]) {
      await writeFile(path, content);
      expect(await place.predict()).toMatchObject({ label });
    }
  });

  it('while a training runs are a revision below that of the training', async () => {
    const written = Promise.withResolvers<void>();
    const place: Place = await openPlace('local', { probe: { onTrain: () => written.promise } });
    await write(place, 'means.json', RIGHT);
    await place.predict();

    const training = train(place);
    await write(place, 'means.json', SWAPPED);
    written.resolve();
    const trained = await training;

    expect(trained).toMatchObject({ snapshot: { revision: 2 } });
    expect(await place.predict()).toMatchObject({ label: 'low', revision: 2 });
    const { items } = await listRevisions(place.platform, LOCAL_ACTOR, place.snapshot.id);
    expect(items.map(({ revision, lineage }) => [revision, 'direct' in lineage])).toEqual([
      [2, false],
      [1, true],
    ]);
  });

  it('that a prediction noticed while a training ran do not fail the training', async () => {
    const begun = Promise.withResolvers<void>();
    const noticed = Promise.withResolvers<void>();
    const onTrain = () => {
      begun.resolve();
      return noticed.promise;
    };
    const place = await openPlace('local', { probe: { onTrain } });
    await write(place, 'means.json', RIGHT);
    await place.predict();

    const training = train(place);
    await begun.promise;
    await write(place, 'means.json', SWAPPED);
    const meanwhile = await place.predict();
    noticed.resolve();

    expect(meanwhile).toMatchObject({ label: 'high', revision: 1 });
    expect(await training).toMatchObject({ snapshot: { revision: 2 } });
    expect(await place.predict()).toMatchObject({ label: 'low', revision: 2 });
  });

  it('that a prediction noticed while a training saved its weights do not fail the training', async () => {
    const place = await openPlace('local');
    await train(place);
    const other = createContainer(place.platform, place.builtIns);
    const meanwhile = async () => {
      await write(place, 'means.json', SWAPPED);
      expect(await place.predict(other)).toMatchObject({ label: 'high', revision: 2 });
    };
    const container = createContainer(atManifest(place.platform, meanwhile), place.builtIns);

    const trained = await train({ ...place, container });

    expect(trained).toMatchObject({ snapshot: { revision: 3 } });
    expect(await place.predict()).toMatchObject({ label: 'low', revision: 3 });
    const { items } = await listRevisions(place.platform, LOCAL_ACTOR, place.snapshot.id);
    expect(items.map(({ revision }) => revision)).toEqual([3, 2, 1]);
  });

  it('into a bucket that cannot be written are a revision without a manifest, read where they lie', async () => {
    const place = await openPlace('local');
    await write(place, 'means.json', RIGHT);
    const platform = readOnly(place.platform);
    const container = createContainer(platform, place.builtIns);
    await place.predict(container);

    await write(place, 'means.json', SWAPPED);

    expect(await place.predict(container)).toMatchObject({ label: 'high', revision: 1 });
    expect(await place.predict(container)).toMatchObject({ label: 'high', revision: 1, cold: false });
    expect(await namesIn(await place.client())).toEqual(['means.json']);
    expect(await place.current()).toMatchObject({ revision: 1, weights: null });
  });

  it('are what evaluate, load and save from the snapshot work with', async () => {
    const place = await openPlace('local');
    await train(place);
    const evaluate = () =>
      runInPlace(place.container, evaluateFunction, { snapshot: place.snapshot.id, predict: true });
    const right = (await evaluate()) as { metrics: { accuracy: number } };

    await write(place, 'means.json', SWAPPED);
    const swapped = (await evaluate()) as { metrics: { accuracy: number } };
    const loaded = await runInPlace(place.container, loadFunction, {
      snapshot: place.snapshot.id,
      fresh: true,
    });
    await write(place, 'means.json', bytes({ low: 0, high: 1 }));
    const other = await createSnapshot(place.platform, LOCAL_ACTOR, {
      ...{ name: 'copy', projectId: place.project.id, modelId: place.model.id },
      datasetId: place.dataset.id,
    });
    const saved = await runInPlace(place.container, saveFunction, {
      snapshot: other.id,
      fromSnapshot: place.snapshot.id,
    });

    expect([right.metrics.accuracy, swapped.metrics.accuracy]).toEqual([1, 0]);
    expect(loaded).toMatchObject({ snapshot: { revision: 2 }, files: [{ sizeBytes: SWAPPED.byteLength }] });
    expect(saved).toMatchObject({
      weights: { files: [{ sizeBytes: bytes({ low: 0, high: 1 }).byteLength }] },
    });
  });

  it('are read and copied once for calls that come at once', async () => {
    const place = await openPlace('local');
    await train(place);
    await write(place, 'means.json', SWAPPED);
    const container = createContainer(counting(place.platform), place.builtIns);

    const outputs = await Promise.all(Array.from({ length: 20 }, () => place.predict(container)));

    expect(outputs.every(({ label, revision }) => label === 'high' && revision === 2)).toBe(true);
    // One object and one manifest.
    expect(writes).toBe(2);
  });

  it('by two processes at once are one revision', async () => {
    const place = await openPlace('item');
    await train(place);
    await write(place, 'means.json', SWAPPED);

    const both = await Promise.all([
      place.predict(),
      place.predict(createContainer(place.platform, place.builtIns)),
    ]);

    expect(both).toEqual([
      { label: 'high', revision: 2, cold: true },
      { label: 'high', revision: 2, cold: true },
    ]);
  });
});

/** Stores the list of the bucket with the snapshot, which a prediction does two seconds after the last change. */
async function rememberList(place: Place): Promise<void> {
  const listing = sha256Of(canonicalJson(stateOf(await listBareObjects(await place.client()))));
  await place.platform.store.update('Snapshot', place.snapshot.id, (now) => ({
    ...now,
    visible: { ...now.visible!, listing },
  }));
}

/** The platform, on which something happens once, before a manifest is written. */
function atManifest(platform: Platform, happen: () => Promise<void>): Platform {
  let hasHappened = false;
  return watched(platform, async (key) => {
    if (hasHappened || !key.startsWith('manifests/')) return;
    hasHappened = true;
    await happen();
  });
}

let writes = 0;

/** The platform with writes to its buckets counted. */
function counting(platform: Platform): Platform {
  writes = 0;
  return watched(platform, async () => {
    writes += 1;
  });
}

function watched(platform: Platform, onWrite: (key: string) => Promise<void>): Platform {
  return {
    ...platform,
    openBucket: async (snapshot, spec) => {
      const bucket = await platform.openBucket(snapshot, spec);
      const { write: writeObject } = bucket;
      bucket.write = async (key, ...given) => {
        await onWrite(key);
        return writeObject.call(bucket, key, ...given);
      };
      return bucket;
    },
  };
}

/** The platform of a machine that may only read buckets. */
function readOnly(platform: Platform): Platform {
  return {
    ...platform,
    openBucket: async (snapshot, spec) => {
      const bucket = await platform.openBucket(snapshot, spec);
      return new Proxy(bucket, {
        get: (target, name) => {
          if (name === 'capabilities') return { ...target.capabilities, canWrite: false };
          const value = Reflect.get(target, name, target) as unknown;
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  };
}
