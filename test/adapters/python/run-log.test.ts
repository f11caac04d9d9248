import { expect, it, onTestFinished } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { invoke } from '../../../shared/invoke/invoke.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { pythonCode, pythonProblem } from './hosted-python.ts';
import { openPythonWorkspace } from './python-workspace.ts';

const SOURCE = `
import logging, sys
logging.info("imported")
logger = logging.getLogger("own")
def predict(batch):
    name = batch[0].item["name"]
    logger.info("info of %s", name)
    logger.debug("debug of %s", name)
    logging.getLogger().warning("warning of %s", name)
    for step in range(3):
        sys.stderr.write("\\rbar of %s %d" % (name, step))
    print("no end of line of", name, end="")
    return [[] for _ in batch]
`;

describeUnless(pythonProblem, 'what an adapter in Python prints and logs', () => {
  it('is in the log of the execution that called it, each in its own, to the last state of a progress bar', async () => {
    const space = await openPythonWorkspace(pythonCode({ 'model.py': SOURCE }).code.directory);
    onTestFinished(() => space.platform.close());
    const logOf = async (filename: string) => {
      const { execution } = await invoke(space.container, predictFunction, {
        ...{ functionName: 'predict', caller: 'pipeline', actor: LOCAL_ACTOR, executionId: undefined },
        input: { snapshot: space.snapshot.id, items: [space.items.get(filename)!.id] },
      });
      const lines = await space.platform.store.readLogs(execution.id, { after: 0, limit: 1000 });
      return lines.flatMap(({ message }) => /"line":"(.*)"/.exec(message)?.[1] ?? []);
    };

    const first = await logOf('/test/0.json');
    const second = await logOf('/test/14.json');

    expect(first).toContain('INFO:root:imported');
    for (const [lines, name] of [
      [first, '0.json'],
      [second, '14.json'],
    ] as const) {
      expect(lines).toContain(`INFO:own:info of ${name}`);
      expect(lines).toContain(`WARNING:root:warning of ${name}`);
      expect(lines).toContain(`bar of ${name} 2`);
      expect(lines).toContain(`no end of line of ${name}`);
      expect(lines.join()).not.toContain('debug');
    }
    expect(second.join()).not.toContain('of 0.json');
  });
});
