import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { invoke } from '../../../shared/invoke/invoke.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { moduleWith, pythonCode, pythonProblem } from './hosted-python.ts';
import { openPythonWorkspace } from './python-workspace.ts';

/** Kills its process in `train` as long as there is a file `kill-<n>` left. */
const KILLED_IN_TRAINING = (folder: string) =>
  moduleWith(`
import glob, os, signal
def train(data, context):
    left = sorted(glob.glob(${JSON.stringify(join(folder, 'kill-*'))}))
    if left:
        os.remove(left[0])
        os.kill(os.getpid(), signal.SIGKILL)
def save(directory):
    open(os.path.join(directory, "weights"), "w").close()
`);

describeUnless(pythonProblem, 'a training over HTTP', () => {
  it('succeeds in its third attempt when its Python process was killed twice', async () => {
    const folder = temporaryFolder();
    for (const index of [1, 2]) writeFileSync(join(folder, `kill-${index}`), '');
    const { code } = pythonCode({ 'model.py': KILLED_IN_TRAINING(folder) });
    const space = await openPythonWorkspace(code.directory);
    onTestFinished(() => space.platform.close());

    const { execution } = await invoke(space.container, trainFunction, {
      functionName: 'train',
      input: { snapshot: space.snapshot.id },
      caller: 'http',
      actor: LOCAL_ACTOR,
    });

    expect(execution).toMatchObject({ attempts: 3, error: null, output: { status: 'trained' } });
  });
});
