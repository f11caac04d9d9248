import { cp, rm } from 'node:fs/promises';
import type { Check } from '../check.ts';
import { contentOf, differenceOfStates } from '../folder-state.ts';
import type { Subject } from '../subject.ts';

/** After how many questions each slice is over: at the first chance, and at two later ones. */
const CUTS = [1, 2, 5];
/** One that makes no headway would go on for ever. */
const MOST_SLICES = 500;
const WORDS = { changed: 'with other bytes', added: 'only in slices', gone: 'only in one go' };

/** What a training keeps to that may be cut into slices. */
export const SLICE_CHECKS: readonly Check[] = [
  {
    id: 'slices',
    name: 'a training cut into slices gives the same bytes as one in one go',
    expected: 'the same files with the same bytes, wherever it was cut',
    advice:
      "Keep all that the next steps depend on in the checkpoint: weights, the optimiser's state, the random generator, the place in the data. Return 'yielded' right after a checkpoint.",
    needs: 'trainTwice',
    uses: ['save'],
    trains: true,
    async run(subject) {
      const whole = await contentOf(await subject.save(await subject.ready()));
      for (const cut of CUTS) {
        const sliced = await trainInSlices(subject, cut);
        if (typeof sliced === 'string') return sliced;
        if (!sliced.asked)
          return { skipped: 'it never asks whether a checkpoint is due: its trainings are one slice' };
        const difference = differenceOfStates(whole, await contentOf(sliced.folder), WORDS);
        if (difference !== undefined) return `cut at every ${cut}. question: ${difference}`;
      }
      return undefined;
    },
  },
];

/** Trains slice by slice, each in a new instance; or tells what is wrong. */
async function trainInSlices(
  subject: Subject,
  cut: number,
): Promise<string | { folder: string; asked: boolean }> {
  const place = { resumeFrom: undefined as string | undefined, asked: false };
  for (let slices = 1; slices <= MOST_SLICES; slices += 1) {
    const adapter = subject.create();
    const slice = await oneSlice(subject, cut, place);
    const isDone = await subject.train(adapter, { slice: slice.context });
    if (isDone) return { folder: await subject.save(adapter), asked: place.asked };
    if (!slice.hasCheckpoint()) return "it returned 'yielded' without a checkpoint";
  }
  return `it was not done after ${MOST_SLICES} slices: a slice makes no headway`;
}

async function oneSlice(
  subject: Subject,
  cut: number,
  place: { resumeFrom: string | undefined; asked: boolean },
) {
  let questions = 0;
  let hasCheckpoint = false;
  const isOver = () => {
    place.asked = true;
    questions += 1;
    return questions >= cut;
  };
  const before = place.resumeFrom;
  return {
    hasCheckpoint: () => hasCheckpoint,
    context: {
      resumeFrom: before,
      shouldCheckpoint: isOver,
      // Asked after a checkpoint: the same moment, no further question.
      shouldYield: () => questions >= cut,
      checkpoint: async (write: (directory: string) => Promise<void>) => {
        const folder = await subject.workbench.folder();
        await write(folder);
        // A copy: what the adapter still holds of the folder is not what it gets back.
        const kept = await subject.workbench.folder();
        await cp(folder, kept, { recursive: true });
        await rm(folder, { recursive: true });
        place.resumeFrom = kept;
        hasCheckpoint = true;
      },
    },
  };
}
