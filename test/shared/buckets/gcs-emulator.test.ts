import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packFolder } from '../../../shared/codebases/archive.ts';
import { openCodebase } from '../../../shared/codebases/registry.ts';
import type { BucketSpec } from '../../../shared/entities/bucket-spec.ts';
import { bucketContract } from '../../contracts/bucket.contract.ts';
import { codebaseContract } from '../../contracts/codebase.contract.ts';
import { type GcsEmulator, startGcsEmulator } from '../../support/gcs-emulator.ts';
import { gitContext } from '../../support/git-context.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { NO_GCS, openGcsOn } from './openers.ts';

/** Path of a `fake-gcs-server`: go install github.com/fsouza/fake-gcs-server@latest */
const BINARY = process.env.GCS_EMULATOR_BINARY;
const BUCKET = 'weights-of-tests';

if (BINARY === undefined || BINARY === '') {
  it('says why no emulator ran', () => {
    console.log(
      'gcs servers: our own only. GCS_EMULATOR_BINARY names no fake-gcs-server to run the contract on.',
    );
    expect(BINARY ?? '').toBe('');
  });
} else {
  let emulator: GcsEmulator;
  beforeAll(async () => {
    emulator = await startGcsEmulator(BINARY, BUCKET);
    console.log(`gcs servers: our own, and ${BINARY} at ${emulator.origin}`);
  });
  afterAll(() => emulator?.stop());

  bucketContract('gcs on fake-gcs-server', () => openGcsOn(emulator.origin, BUCKET));

  codebaseContract('gcs on fake-gcs-server', async (code) => {
    const folder = temporaryFolder();
    for (const [path, text] of Object.entries(code)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const { bucket } = await openGcsOn(emulator.origin, BUCKET);
    await bucket.write('adapter.zip', await packFolder(folder));
    const { gcsPrefix } = bucket.spec as Extract<BucketSpec, { type: 'gcs' }>;
    return openCodebase(
      {
        type: 'gcs',
        gcsProjectName: 'test-project',
        gcsBucketName: BUCKET,
        gcsPrefix: `${gcsPrefix}/adapter.zip`,
      },
      {
        localRoots: { allowed: [], private: [] },
        cacheDirectory: temporaryFolder(),
        readItem: () => Promise.reject(new Error('no item was planned for')),
        git: gitContext(),
        gcs: { ...NO_GCS, endpoint: emulator.origin },
      },
    );
  });
}
