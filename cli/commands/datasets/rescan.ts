import { rescanItems } from '../../../shared/catalog/item-rescan.ts';
import type { Answer } from '../../command.ts';
import { unreadableLines } from '../../output/parts.ts';
import { progressBar } from '../../output/progress-bar.ts';
import { countText } from '../../output/units.ts';
import { find } from '../../references.ts';
import type { Session } from '../../session.ts';

/** Reads type, size in pixels and readability of all files again. */
export async function rescan(session: Session, reference: string): Promise<Answer> {
  const { platform, actor, io } = session;
  const dataset = await find(session, 'Dataset', reference);
  const bar = progressBar(io, 'rescan', session.mode.json);
  const total = await platform.store.count('Item', {
    filter: { type: 'file' },
    scope: { datasetId: dataset.id },
  });
  const { items, changed, unreadable } = await rescanItems(platform, actor, dataset.id, {
    signal: io.interrupted,
    onProgress: (done) => bar.update(done / Math.max(1, total), countText(done, 'file')),
  }).finally(() => bar.end());
  return {
    json: { datasetId: dataset.id, items, changed, unreadable },
    text: [
      `${dataset.name}: ${countText(items, 'file')} read, ${changed} changed.`,
      ...unreadableLines(unreadable.map(({ path, problem }) => ({ filename: path, message: problem }))),
    ].join('\n'),
  };
}
