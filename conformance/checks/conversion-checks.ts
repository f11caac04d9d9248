import { posix } from 'node:path';
import type { ConvertedItem, LabelledInput } from '../../adapters/model-adapter.ts';
import { hasCode, messageOf } from '../../shared/errors.ts';
import { createItemInput } from '../../shared/inputs/item-input.ts';
import type { Check } from '../check.ts';
import { memoryLayout } from '../memory-layout.ts';
import type { Subject } from '../subject.ts';

const PARTITIONS = ['train', 'validation', 'test'] as const;

/** What a training layout keeps. */
export const CONVERSION_CHECKS: readonly Check[] = [
  {
    id: 'convertBack',
    name: 'convert and then convertBack keep every labelled item and its label',
    expected:
      'each labelled item back once, under its own name, with its label and what there is to see on it',
    advice:
      'Write down names and labels beside the data. An adapter with a convert of its own needs a convertBack of its own; one that cannot read back throws AdapterMethodMissing there.',
    needs: 'trains',
    async run(subject) {
      try {
        return await problemOfConversion(subject);
      } catch (error) {
        if (hasCode(error, 'AdapterMethodMissing')) return { skipped: messageOf(error) };
        throw error;
      }
    },
  },
];

async function problemOfConversion(subject: Subject): Promise<string | undefined> {
  const layout = memoryLayout();
  const originals: LabelledInput[] = [];
  const writer = subject.create();
  for (const name of PARTITIONS) {
    const data = await subject.partition(writer, name);
    await writer.convert(data, layout);
    for await (const each of data.inputs()) originals.push(each);
  }
  const converted: ConvertedItem[] = [];
  for await (const each of subject.create().convertBack(layout)) {
    converted.push(each);
    if (converted.length > originals.length)
      return `more than the ${originals.length} items there are, as ${each.filename}`;
  }
  return problemOf(subject, originals, converted);
}

async function problemOf(
  subject: Subject,
  originals: readonly LabelledInput[],
  converted: readonly ConvertedItem[],
): Promise<string | undefined> {
  const byName = Map.groupBy(converted, ({ filename }) => posix.parse(filename).name);
  const known = new Set(originals.map(({ input }) => posix.parse(input.item.filename).name));
  const stranger = converted.find(({ filename }) => !known.has(posix.parse(filename).name));
  for (const original of originals) {
    const { filename } = original.input.item;
    const back = byName.get(posix.parse(filename).name) ?? [];
    if (original.label === undefined && back.length === 0) continue;
    if (back.length !== 1)
      return `${filename} came back ${back.length} times${stranger ? `, and ${stranger.filename} instead` : ''}`;
    const [item] = back;
    if (item!.label !== original.label)
      return `${filename}, labelled ${original.label}, came back as ${item!.label}`;
    if (!(await isSameSight(subject, original, item!))) return `${filename} came back with another content`;
  }
  return stranger && `${stranger.filename}, which was never there`;
}

/**
 * Equal bytes; or another file of the same kind on which the adapter sees the same. What came back as a file of another
 * kind, such as features in place of an image, cannot be compared.
 */
async function isSameSight(
  subject: Subject,
  { input }: LabelledInput,
  back: ConvertedItem,
): Promise<boolean> {
  if (back.content.byteLength === 0) return false;
  if (posix.extname(back.filename) !== posix.extname(input.item.filename)) return true;
  if (Buffer.compare(await input.bytes(), back.content) === 0) return true;
  const adapter = await subject.loaded();
  const samples = [
    await adapter.prepare(input),
    await adapter.prepare(createItemInput(input.item, async () => back.content)),
  ];
  const [before, after] = await subject.predict(adapter, samples);
  return (
    JSON.stringify(before!.map(({ label }) => label)) === JSON.stringify(after!.map(({ label }) => label))
  );
}
