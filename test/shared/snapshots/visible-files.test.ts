import { expect, it } from 'vitest';
import { digestListing } from '../../../shared/snapshots/visible-files.ts';

const changed = (changedAtMs: number) => ({ key: 'means.json', sizeBytes: 18, etag: '1-12-1', changedAtMs });

it('a list has no digest while one of its files may change again within the same tick of the clock', () => {
  expect(digestListing([changed(Date.now())])).toBeUndefined();
});

it('a list of files that changed long ago has a digest, which another time of change alters', () => {
  const longAgo = Date.now() - 60_000;

  const digest = digestListing([changed(longAgo)]);

  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(digestListing([changed(longAgo)])).toBe(digest);
  expect(digestListing([changed(longAgo - 1)])).not.toBe(digest);
});
