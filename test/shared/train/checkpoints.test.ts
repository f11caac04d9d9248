import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../../shared/buckets/bucket.ts';
import { createSnapshot } from '../../../shared/catalog/snapshots.ts';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import { claimExecution } from '../../../shared/invoke/executions.ts';
import { createContainer } from '../../../shared/invoke/handler.ts';
import type { Run } from '../../../shared/invoke/run.ts';
import { Checkpoints } from '../../../shared/train/checkpoints.ts';
import { listOf } from '../../contracts/bucket.contract.ts';
import { type ModelWorkspace, openModelWorkspace } from '../catalog/model-workspace.ts';
import { packingPlatform } from '../gc/gc-workspace.ts';
import { type Files, textsIn } from '../snapshots/weights.ts';

const EXECUTION = 'training-1';
const PREFIX = `checkpoints/${EXECUTION}`;

describe('checkpoints in a bucket that prefers few objects', () => {
  let workspace: ModelWorkspace;
  let checkpoints: Checkpoints;
  let bucket: Bucket;
  beforeEach(async () => {
    workspace = await openModelWorkspace();
    const { actor, model } = workspace;
    const platform = packingPlatform(workspace.platform);
    const snapshot = await createSnapshot(platform, actor, { name: 's', modelId: model.id });
    const call = {
      functionName: 'train',
      input: {},
      projectId: snapshot.projectId,
      caller: 'pipeline' as const,
      actor,
      executionId: EXECUTION,
    };
    await claimExecution(platform, EXECUTION, call, 'holder');
    const builtIns = {
      has: () => false,
      load: () => Promise.reject(new Error('no adapter was planned for')),
    };
    const run: Run = {
      container: createContainer(platform, builtIns),
      platform,
      actor,
      executionId: EXECUTION,
      projectId: snapshot.projectId,
      deadline: undefined,
      signal: new AbortController().signal,
      log: platform.log,
      assertAllRead: () => undefined,
      progress: () => undefined,
    };
    checkpoints = new Checkpoints(run, snapshot);
    bucket = await workspace.platform.openBucket(snapshot, snapshot.bucket);
  });
  afterEach(() => workspace.platform.close());

  const save = (files: Files): Promise<void> =>
    checkpoints.save(async (directory) => {
      for (const [path, text] of Object.entries(files)) await writeFile(join(directory, path), text);
    }, {});
  const opened = async (): Promise<Record<string, string>> => {
    const { directory, release } = (await checkpoints.open())!;
    release();
    return textsIn(directory);
  };
  const objects = async (): Promise<string[]> =>
    (await listOf(bucket))
      .map(({ key }) => key)
      .filter((key) => key.startsWith(`${PREFIX}/objects/`))
      .map((key) => key.slice(`${PREFIX}/objects/`.length))
      .sort();

  it('keep the packs that the newest one needs, and no others', async () => {
    const one = { a: 'backbone', b: 'state 1', c: 'log 1' };
    const two = { a: 'backbone', b: 'state 2', c: 'log 2' };
    const three = { b: 'state 3', c: 'log 3' };

    await save(one);
    expect(await opened()).toEqual(one);
    expect(await objects()).toEqual([sha256Of('backbonestate 1log 1')]);

    await save(two);
    expect(await opened()).toEqual(two);
    expect(await objects()).toEqual([sha256Of('backbonestate 1log 1'), sha256Of('state 2log 2')].sort());

    await save(three);
    expect(await opened()).toEqual(three);
    expect(await objects()).toEqual([sha256Of('state 3log 3')]);

    await checkpoints.clear();
    expect(await listOf(bucket)).toEqual([]);
  });

  it('are written anew when the earlier one cannot be read', async () => {
    await save({ a: 'one', b: 'two' });
    for (const { key } of await listOf(bucket)) await bucket.delete(key);

    await save({ a: 'one', b: 'three' });

    expect(await opened()).toEqual({ a: 'one', b: 'three' });
  });
});
