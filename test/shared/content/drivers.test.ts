import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../../shared/config.ts';
import { openContents } from '../../../shared/open-contents.ts';
import { contentContract, type OpenedContents } from '../../contracts/content.contract.ts';
import { startGcsServer } from '../../support/gcs-server.ts';
import { gitContext } from '../../support/git-context.ts';
import { temporaryFolder } from './temporary-folder.ts';

const nameOf = (sha256: string) => `${sha256.slice(0, 2)}/${sha256}`;

async function filesOf(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return found.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function openLocal(): Promise<OpenedContents> {
  const folder = temporaryFolder();
  const open = () => openContents(readConfig({}), folder, gitContext());
  return {
    store: await open(),
    again: await open(),
    kept: () => filesOf(folder),
    replace: ({ sha256 }, bytes) => writeFile(join(folder, nameOf(sha256)), bytes),
  };
}

async function openGcs(buckets = 'others') {
  const server = await startGcsServer('contents');
  onTestFinished(() => server.close());
  const config = readConfig({
    MODELFN_CONTENT: 'gcs://contents/of/team-a',
    MODELFN_GCS_ENDPOINT: server.origin,
    MODELFN_GCS_BUCKETS: buckets,
  });
  const spools = [temporaryFolder(), temporaryFolder()] as const;
  const objects = () => server.buckets.get('contents')!;
  const opened: OpenedContents = {
    store: await openContents(config, spools[0], gitContext()),
    again: await openContents(config, spools[1], gitContext()),
    kept: async () => [...objects().objects.keys(), ...(await Promise.all(spools.map(filesOf))).flat()],
    replace: async ({ sha256 }, bytes) => {
      const name = `of/team-a/${nameOf(sha256)}`;
      objects().objects.delete(name);
      objects().put({ name, bytes: Buffer.from(bytes) }, null);
    },
  };
  return { ...opened, server };
}

contentContract('local', openLocal);
contentContract('gcs', openGcs);

it('a bucket of contents need not be one that users may name', async () => {
  const { store, server } = await openGcs('others/only');

  const content = await store.put(new TextEncoder().encode('x'), 10);

  expect([...server.buckets.get('contents')!.objects.keys()]).toEqual([
    `of/team-a/${nameOf(content.sha256)}`,
  ]);
});

it('what is there is not sent again', async () => {
  const { store, again, server } = await openGcs();
  await store.put(new Uint8Array(5000).fill(1), 10_000);
  const uploads = () => server.requests.filter(({ call }) => call.startsWith('upload')).length;
  expect(uploads()).toBe(1);

  await again.put(new Uint8Array(5000).fill(1), 10_000);

  expect(uploads()).toBe(1);
});

it.each(['s3://contents', 'gcs://', 'gcs://Capitals', 'gcs://contents/../up', 'contents'])(
  'the place %s is refused',
  (place) => {
    expect(() => readConfig({ MODELFN_CONTENT: place })).toThrow(
      expect.objectContaining({ code: 'InvalidConfig', message: expect.stringContaining('MODELFN_CONTENT') }),
    );
  },
);
