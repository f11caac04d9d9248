import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { ENDLESS, loadedFrom, moduleWith, pythonCode, pythonProblem, sample } from './hosted-python.ts';

const LARGE = 2 ** 20 + 1;

/** Answers with the length of each item; ends its process where an item says so, unless the file is there. */
const measuring = (marker = '') =>
  pythonCode({
    'model.py': moduleWith(`
import os
def expect(batch): raise RuntimeError("a name of the author's, nobody is to call it")
def predict(batch):
    for item in batch:
        if item.bytes() == b"end" and not os.path.exists(${JSON.stringify(marker)}):
            open(${JSON.stringify(marker)}, "w").close()
            os._exit(3)
    return [[{"label": "%d" % len(item.bytes()), "confidence": 1}] for item in batch]
`),
  });

const labelsOf = (answers: { label: string }[][]) => answers.map(([first]) => Number(first!.label));
const bytes = (length: number) => sample(new Uint8Array(length), `/${length}.bin`);

describeUnless(pythonProblem, 'a batch that a process gets before its turn', () => {
  it('is predicted as any other, and so are others that come first or in its place', async () => {
    const adapter = await loadedFrom(measuring());
    const batches = [[1, 2], [3, LARGE], [5], [LARGE + 1, 7]].map((lengths) => lengths.map(bytes));
    const predict = async (batch: unknown[]) => labelsOf(await adapter.predict(batch, ENDLESS));

    adapter.expect!(batches[1]!);
    expect(await predict(batches[0]!)).toEqual([1, 2]);
    expect(await predict([...batches[1]!])).toEqual([3, LARGE]);
    adapter.expect!(batches[2]!);
    adapter.expect!(batches[3]!);
    const [two, three] = await Promise.all([predict(batches[2]!), predict(batches[3]!)]);

    expect([two, three]).toEqual([[5], [LARGE + 1, 7]]);
    // Taken once: there is nothing left to be taken again.
    expect(await predict(batches[3]!)).toEqual([LARGE + 1, 7]);
  });

  it('belongs to the process that got it: the next one is handed the samples anew', async () => {
    const marker = join(temporaryFolder(), 'ended');
    const adapter = await loadedFrom(measuring(marker));
    const next = [bytes(4), bytes(LARGE)];

    adapter.expect!(next);
    const ended = labelsOf(await adapter.predict([sample('end')], ENDLESS));

    expect(ended).toEqual([3]);
    expect(labelsOf(await adapter.predict(next, ENDLESS))).toEqual([4, LARGE]);
  });

  it('leaves no files behind its process, whether its turn came or not', async () => {
    const python = pythonCode({
      'model.py': moduleWith(
        'import os\ndef predict(batch): return [[{"label": os.path.dirname(os.environ["TMPDIR"]), "confidence": 1}] for _ in batch]',
      ),
    });
    const adapter = await loadedFrom(python);
    const place = (await adapter.predict([sample('{}')], ENDLESS))[0]![0]!.label;

    const taken = [bytes(LARGE)];
    adapter.expect!([bytes(LARGE)]);
    adapter.expect!(taken);
    await adapter.predict(taken, ENDLESS);
    await expect.poll(() => readdirSync(place).filter((name) => name.startsWith('predict-'))).toHaveLength(1);
    await adapter.unload!();

    expect(existsSync(place)).toBe(false);
  });
});
