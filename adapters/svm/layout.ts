import { canonicalJson, isJsonObject, type Json } from '../../shared/json.ts';
import type { ConvertedItem, LayoutReader, LayoutWriter, PartitionData } from '../model-adapter.ts';
import { denseRow, readLibsvmText, type SparseRow, writeLibsvmText } from './engine/libsvm-text.ts';
import type { FeatureSpace, SvmSample } from './features.ts';

const LABELS_FILE = 'labels.json';

/**
 * Writes a partition as libsvm text: `<partition>.libsvm` with the label's place in the ontology as class,
 * `<partition>.items.json` with the item of each line, and `labels.json`. Items without a label are left out.
 */
export async function writeLayout(
  data: PartitionData<SvmSample>,
  layout: LayoutWriter,
  labels: readonly string[],
): Promise<void> {
  const samples = await data.samples();
  const rows = samples.map(({ sample, label }) => ({
    label: labels.indexOf(label),
    features: sample.values,
  }));
  await layout.write(`${data.partition}.libsvm`, writeLibsvmText(rows));
  const items = samples.map(({ input, label }) => ({
    id: input.item.id,
    filename: input.item.filename,
    label,
  }));
  await layout.write(`${data.partition}.items.json`, `${canonicalJson(items)}\n`);
  const space = samples[0]?.sample.space ?? null;
  await layout.write(LABELS_FILE, `${canonicalJson({ labels: [...labels], space })}\n`);
}

/**
 * Reads libsvm text back: one JSON item a line, named as before where `<partition>.items.json` tells, with all features
 * exactly. Text from elsewhere works too: labels are then the numbers, and the width is that of the widest line.
 */
export async function* readLayout(layout: LayoutReader): AsyncGenerator<ConvertedItem> {
  const paths = await layout.list();
  const { labels, space } = await readLabels(layout, paths);
  for (const path of paths.filter((each) => each.endsWith('.libsvm'))) {
    const partition = path.slice(0, -'.libsvm'.length);
    const names = await readNames(layout, paths, `${partition}.items.json`);
    const rows: SparseRow[] = [];
    for await (const row of readLibsvmText([await layout.read(path)])) rows.push(row);
    const widest = rows.reduce((most, { columns }) => Math.max(most, (columns.at(-1) ?? -1) + 1), 0);
    const dims = space === undefined ? widest : widthOf(space);
    for (const [index, row] of rows.entries()) {
      const filename = names[index] ?? `/${String(index).padStart(6, '0')}`;
      yield {
        filename: `/${partition}${filename.replace(/\.[^./]*$/, '')}.json`,
        content: new TextEncoder().encode(JSON.stringify(documentOf(denseRow(row, dims), space))),
        label: labels[row.label] ?? String(row.label),
      };
    }
  }
}

function documentOf(values: Float64Array, space: FeatureSpace | undefined): Json {
  if (space?.kind !== 'named') return [...values];
  return Object.fromEntries(space.names.map((name, index) => [name, values[index]!]));
}

function widthOf(space: FeatureSpace): number {
  if (space.kind === 'named') return space.names.length;
  return space.kind === 'vector' ? space.dims : space.width * space.height * space.channels;
}

async function readLabels(layout: LayoutReader, paths: readonly string[]) {
  const document = paths.includes(LABELS_FILE) ? await readJson(layout, LABELS_FILE) : null;
  const { labels, space } = isJsonObject(document) ? document : {};
  return {
    labels: Array.isArray(labels) ? labels.map(String) : [],
    space: isJsonObject(space) ? (space as unknown as FeatureSpace) : undefined,
  };
}

async function readNames(layout: LayoutReader, paths: readonly string[], file: string): Promise<string[]> {
  const items = paths.includes(file) ? await readJson(layout, file) : [];
  return Array.isArray(items) ? items.map((item) => (isJsonObject(item) ? String(item.filename) : '')) : [];
}

async function readJson(layout: LayoutReader, path: string): Promise<Json> {
  return JSON.parse(new TextDecoder().decode(await layout.read(path))) as Json;
}
