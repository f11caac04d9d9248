import type { ItemEvaluation } from '../../adapters/model-adapter.ts';
import { artifactFolder } from '../../shared/catalog/artifact-folder.ts';
import type { BucketSpec } from '../../shared/entities/bucket-spec.ts';
import type { Dataset } from '../../shared/entities/dataset.ts';
import type { Run } from '../../shared/invoke/run.ts';
import type { Json, JsonObject } from '../../shared/json.ts';

const PAGE_SIZE = 200;
const MOST_SHOWN = 20;

/**
 * Keeps how each item fared in the run's artifact folder of the project's Binaries, in pages `items/00000.json`,
 * `items/00001.json`... of 200 items in order of filename; the same run again writes the same pages. The answer has the
 * items with the most errors, twenty at most, and where the pages are.
 */
export async function keepItems(
  run: Run,
  dataset: Readonly<Dataset>,
  items: readonly ItemEvaluation[],
): Promise<JsonObject> {
  const worst = items.filter(({ errors }) => errors > 0).sort((a, b) => b.errors - a.errors);
  const shown = { count: items.length, worst: worst.slice(0, MOST_SHOWN).map(toJson) };
  if (items.length === 0) return shown;
  const { platform, actor, executionId, signal } = run;
  const projectId = dataset.projects[0]!;
  const itemId = await artifactFolder(platform, actor, projectId, `/executions/${executionId}`);
  const spec: BucketSpec = { type: 'item', itemId };
  const bucket = await platform.openBucket({ id: executionId, projectId }, spec);
  const pages: string[] = [];
  for (let start = 0; start < items.length; start += PAGE_SIZE) {
    const path = `items/${String(pages.length).padStart(5, '0')}.json`;
    const page = { start, count: items.length, items: items.slice(start, start + PAGE_SIZE).map(toJson) };
    await bucket.write(path, new TextEncoder().encode(JSON.stringify(page)), { signal });
    pages.push(path);
  }
  return { ...shown, pageSize: PAGE_SIZE, bucket: spec as Json, firstPage: pages[0]!, pages: pages.length };
}

function toJson({ itemId, filename, errors, kinds }: ItemEvaluation): JsonObject {
  return { ...kinds, itemId, filename, errors };
}
