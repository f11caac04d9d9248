import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { BuiltFunction } from '../../../cli/local/build.ts';
import { saveFunction } from '../../../functions/save/save.ts';
import { toEnvironment } from '../../../shared/config.ts';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import { buildProject } from '../../support/project-build.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openPath } from '../../support/test-platform.ts';
import { openTinyWorkspace } from '../../support/tiny-workspace.ts';
import { temporaryFolder } from './fixture-functions.ts';

it('a deployed function that is pinned fetches its weights with no event sent, and tells the first event what is wrong with them', async () => {
  const space = await openTinyWorkspace();
  onTestFinished(() => space.platform.close());
  const { home } = space.platform.config;
  // No model the bundle knows: what it was given can be fetched and not loaded.
  await space.platform.store.update('Model', space.model.id, (model) => ({
    ...model,
    entryPoint: 'modelfn/svm',
    className: 'SvmAdapter',
  }));
  const directory = openPath(space.platform, 'upload');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'model.json'), 'no model');
  await runInPlace(space.container, saveFunction, { snapshot: space.snapshot.id, directory });
  const folder = await temporaryFolder();
  const [{ bundle }] = (await buildProject(join(folder, 'dist'), ['predict'])) as [BuiltFunction];
  const script = join(folder, 'container.mjs');
  await writeFile(
    script,
    `const { handler } = await import(${JSON.stringify(bundle)});
     process.on('message', (event) => handler(event).then(
       (output) => process.send({ output }),
       ({ code, message }) => process.send({ code, message }),
     ));`,
  );

  const config = { ...space.platform.config, pinnedSnapshot: space.snapshot.id };
  const digest = sha256Of('no model');
  const fetched = join(home, 'cache', 'objects', digest.slice(0, 2), digest);
  expect(existsSync(fetched)).toBe(false);
  const child = fork(script, { env: toEnvironment(config) as NodeJS.ProcessEnv });
  onTestFinished(() => void child.kill());

  await expect.poll(() => existsSync(fetched), { timeout: 20_000 }).toBe(true);
  const item = space.items.get('/test/4.json')!.id;
  child.send({ inputs: { snapshot: space.snapshot.id, item } });
  const [answer] = (await once(child, 'message')) as [{ code: string; message: string }];
  expect(answer).toMatchObject({ code: 'WeightsCorrupt' });
});
