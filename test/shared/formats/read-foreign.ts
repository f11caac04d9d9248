import type { Areas, FoundItem } from '../../../shared/formats/format.ts';
import { LossReport } from '../../../shared/formats/loss-report.ts';
import { stemOf } from '../../../shared/formats/paths.ts';
import { openFormat } from '../../../shared/formats/registry.ts';
import { memoryFiles } from './memory-files.ts';

export interface Given {
  areas?: Areas;
  /** Width and height of the items that are there, by path. */
  items?: Record<string, readonly [number, number]>;
}

/** Reads files of a format as an import does, with the given items in the dataset. */
export async function readForeign(
  name: string,
  texts: Record<string, string | Uint8Array>,
  { areas, items = {} }: Given = {},
) {
  const losses = new LossReport();
  const find = (path: string | undefined): FoundItem | undefined => {
    const [width, height] = (path !== undefined && items[path]) || [];
    return path !== undefined && path in items ? { path, width, height } : undefined;
  };
  const format = await openFormat(name);
  const found = await Array.fromAsync(
    format.read(memoryFiles(texts), {
      losses,
      findPath: async (path) => find(path),
      findStem: async (stem) => find(Object.keys(items).find((path) => stemOf(path) === stem)),
      ...(areas && { areas }),
    }),
  );
  return {
    items: found,
    annotations: found.flatMap(({ path, annotations }) => annotations.map((each) => ({ path, ...each }))),
    losses: losses.list().map(({ type, field, how, count }) => `${type} ${field} ${how} ${count}`),
    report: losses.list(),
  };
}
