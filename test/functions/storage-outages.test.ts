import { describe, expect, it } from 'vitest';
import { BucketUnavailable } from '../../shared/buckets/errors.ts';
import { StorageUnavailable } from '../../shared/content/errors.ts';
import { StoreUnavailable } from '../../shared/store/errors.ts';
import { storeWithoutReads } from '../support/faulty-store.ts';
import type { Storage } from '../support/storage-outage.ts';
import { METHODS, type Method, runWithOutage } from './storage-outages.ts';

const systemError = (code: string) => Object.assign(new Error(`${code}: failed`), { code });
const serviceUnavailable = () =>
  new BucketUnavailable({
    bucketType: 'gcs',
    operation: 'read',
    key: 'an object',
    cause: new Error('HTTP 503'),
  });
const diskFault = () => new StorageUnavailable('Reading from the content store', systemError('EIO'));

const CASES = Object.entries(METHODS).flatMap(([method, storages]) =>
  storages.map((storage) => [method, storage] as [Method, Storage]),
);

describe('an outage of storage in the middle of a run', () => {
  it.each(CASES)(
    '%s gives the same result when its %s come back within ten seconds',
    async (method, storage) => {
      const undisturbed = await runWithOutage(method, { storage, error: serviceUnavailable });
      expect(undisturbed.error).toBeUndefined();
      const fromCall = undisturbed.outage.calls >> 1;

      const disturbed = await runWithOutage(method, {
        storage,
        fromCall,
        lastsMs: 10_000,
        error: storage === 'contents' ? diskFault : serviceUnavailable,
      });

      expect(disturbed.error).toBeUndefined();
      expect(disturbed.outage.waits).toBeGreaterThan(0);
      expect(disturbed.output).toEqual(undisturbed.output);
      expect(disturbed.after).toEqual(undisturbed.after);
    },
  );

  it.each(CASES)('%s fails and keeps nothing when its %s never come back', async (method, storage) => {
    const undisturbed = await runWithOutage(method, { storage, error: serviceUnavailable });
    const fromCall = undisturbed.outage.calls >> 1;

    const { output, error, before, after } = await runWithOutage(method, {
      storage,
      fromCall,
      lastsMs: Infinity,
      error: serviceUnavailable,
    });

    expect(output).toBeUndefined();
    expect(error).toMatchObject({ code: 'BucketUnavailable', retryable: true });
    expect(after).toEqual(before);
  });

  it('is not waited for when permissions are the cause', async () => {
    const denied = () => new StorageUnavailable('Reading from the content store', systemError('EACCES'));

    const { error, before, after, outage } = await runWithOutage('train', {
      storage: 'contents',
      fromCall: 2,
      lastsMs: 10_000,
      error: denied,
    });

    expect(error).toMatchObject({ code: 'StorageUnavailable', details: { systemCode: 'EACCES' } });
    expect(outage.waits).toBe(0);
    expect(after).toEqual(before);
  });

  it.each(['EMFILE', 'EIO', 'EBUSY'])('is waited for when %s is the cause', async (code) => {
    const { error, after, outage } = await runWithOutage('train', {
      storage: 'contents',
      fromCall: 2,
      lastsMs: 1_000,
      error: () => new StorageUnavailable('Reading from the content store', systemError(code)),
    });

    expect(error).toBeUndefined();
    expect(outage.waits).toBeGreaterThan(0);
    expect(after.revision).toBe(2);
  });
});

describe('a database that is unavailable from some read of items or annotations on', () => {
  it.each(['train', 'predict', 'evaluate', 'convert', 'convert to COCO'] as const)(
    'fails %s, and nothing is kept',
    async (method) => {
      const plan = { storage: 'contents', error: serviceUnavailable } as const;
      const fault = () => new StoreUnavailable(new Error('gone'), 'Try again.');
      let reads = () => 0;
      const runFailingAt = (failAt: number) =>
        runWithOutage(method, plan, (platform) => {
          const failing = storeWithoutReads(platform.store, failAt, fault);
          reads = failing.reads;
          return { ...platform, store: failing.store };
        });
      const undisturbed = await runFailingAt(Infinity);
      expect(undisturbed.error).toBeUndefined();
      const total = reads();
      expect(total).toBeGreaterThan(1);

      for (const failAt of new Set([0, total >> 1, total - 1])) {
        const { error, before, after } = await runFailingAt(failAt);

        expect(error, `from read ${failAt}`).toMatchObject({ code: 'StoreUnavailable', retryable: true });
        expect(after, `from read ${failAt}`).toEqual(before);
      }
    },
  );
});
