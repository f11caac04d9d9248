import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Models, items and what they are known to give; test/fixtures/onnx/README.md tells where they come from. */
export const ONNX_FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'onnx');

/** A snapshot's folder with one model of the fixtures in it, removed after the tests of the file. */
export async function fixtureFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modelfn-onnx-'));
  folders.push(folder);
  await copyFile(join(ONNX_FIXTURES, name), join(folder, name));
  return folder;
}

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});
