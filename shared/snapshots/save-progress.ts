import type { Run } from '../invoke/run.ts';
import { sizeText } from '../size-text.ts';
import type { SaveProgress } from './files/commit-files.ts';

/** What is left for the bookkeeping after the last byte. */
const SAVED_PERCENT = 99;

/** Tells a run how far its save is, by bytes, from `startPercent` on. */
export function saveProgress(run: Pick<Run, 'progress'>, startPercent: number): SaveProgress {
  return ({ doneBytes, totalBytes }) => {
    const fraction = totalBytes === 0 ? 1 : doneBytes / totalBytes;
    const percent = startPercent + fraction * (SAVED_PERCENT - startPercent);
    run.progress(percent, `saving, ${sizeText(doneBytes)} of ${sizeText(totalBytes)}`);
  };
}
