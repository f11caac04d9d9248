import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnnotationFormat, FormatAnnotation, FormatItem } from '../../shared/formats/format.ts';
import { LossReport } from '../../shared/formats/loss-report.ts';
import { stemOf } from '../../shared/formats/paths.ts';
import type { Json, JsonObject } from '../../shared/json.ts';
import { binaryOfMask } from '../../shared/masks/png-mask.ts';
import { type MemoryFiles, memoryFiles, sourceOf } from '../shared/formats/memory-files.ts';
import { freshSeed } from '../support/seeded-random.ts';

const SIDE = 64;

/** What every format of annotations promises. `hostile` is a file that names an item outside of the folder. */
export function formatContract(
  kind: string,
  open: () => Promise<AnnotationFormat>,
  hostile: Readonly<Record<string, string>>,
): void {
  describe(`the format ${kind}`, () => {
    it('gives back what it holds, item by item, in whatever pieces the files come', async () => {
      const format = await open();
      const seed = freshSeed();
      console.log(`seed ${seed}`);
      const own = annotationOf(format.types === 'all' ? TYPES : format.types);
      const lists = fc.array(
        fc.uniqueArray(own, { maxLength: 4, selector: (each) => JSON.stringify(each) }),
        {
          minLength: 1,
          maxLength: 4,
        },
      );
      await fc.assert(
        fc.asyncProperty(lists, fc.integer({ min: 1, max: 9 }), async (given, pieceBytes) => {
          const items = given.map((annotations, index) => itemOf(`a/${index}.png`, annotations));
          const source = { train: items.slice(0, 1), unassigned: items.slice(1) };
          const files = memoryFiles({}, pieceBytes);
          const losses = new LossReport();

          await format.write(sourceOf(source, ['cat']), files, losses);
          const read = await readAll(format, files, items, losses);

          expect(losses.list()).toEqual([]);
          for (const item of items) expect(plain(read.get(item.path) ?? [])).toEqual(plain(item.annotations));
        }),
        { seed, numRuns: 60 },
      );
    });

    it('reports exactly what it loses', async () => {
      const format = await open();
      const seed = freshSeed();
      console.log(`seed ${seed}`);
      await fc.assert(
        fc.asyncProperty(roughAnnotation, async ([aspect, annotation]) => {
          const items = [itemOf('a/0.png', [annotation])];
          const files = memoryFiles();
          const losses = new LossReport();

          await format.write(sourceOf({ train: items }), files, losses);
          const read = await readAll(format, files, items, new LossReport());

          const isKept =
            JSON.stringify(plain(read.get('a/0.png') ?? [])) === JSON.stringify(plain([annotation]));
          // Rings are all there, but other readers of the format do not see holes in them.
          const told = losses.list().filter(({ field }) => field !== 'coordinates.rings' || !isKept);
          expect({ isKept, told }).toEqual({ isKept: told.length === 0, told });
          for (const { type, field } of told) {
            expect(type).toBe(annotation.type);
            expect(field === '*' || field.startsWith(aspect), field).toBe(true);
          }
        }),
        { seed, numRuns: 800 },
      );
    });

    it('writes the same bytes for the same items', async () => {
      const format = await open();
      const items = [itemOf('b.png', fc.sample(annotationOf(TYPES), { seed: 7, numRuns: 20 }))];
      const [one, two] = [memoryFiles(), memoryFiles()];

      await format.write(sourceOf({ train: items }), one, new LossReport());
      await format.write(sourceOf({ train: items }), two, new LossReport());

      expect(one.texts).toEqual(two.texts);
    });

    it('knows its own files from those of items', async () => {
      const format = await open();
      const files = memoryFiles();

      await format.write(sourceOf({ train: [itemOf('b.png', [])] }, ['cat']), files, new LossReport());

      expect(await files.list()).not.toEqual([]);
      const names = ['a.png', 'b.json', 'c.txt', 'd.csv', 'e.xml'];
      const { evidence, annotationFiles } = await format.survey(files);
      const own = await format.survey(files);
      for (const name of names) files.texts.set(`${format.mediaFolder}${name}`, 'x');
      const { media } = await format.survey(memoryFiles(Object.fromEntries(files.texts)));

      expect(own.media).toEqual([]);
      expect(annotationFiles).toBeGreaterThan(0);
      expect(evidence).toBeTypeOf('string');
      expect(media.map(({ path }) => path)).toEqual(names);
    });

    it('makes no items of files that tools and systems leave behind', async () => {
      const format = await open();
      const files = memoryFiles();
      await format.write(sourceOf({ train: [itemOf('b.png', [])] }, ['cat']), files, new LossReport());
      for (const name of ['README.roboflow.txt', 'LICENSE', '.DS_Store', 'Thumbs.db', 'labels/a.cache'])
        files.texts.set(name, 'x');

      expect((await format.survey(files)).media).toEqual([]);
    });

    it('refuses a path that leads out of the folder', async () => {
      const format = await open();

      await expect(readAll(format, memoryFiles(hostile), [], new LossReport())).rejects.toMatchObject({
        code: 'FormatUnreadable',
        message: expect.stringContaining('is no path of an item'),
      });
    });

    it('reads files that are cut off or no text as an error that names the file, or not at all', async () => {
      const format = await open();
      const files = memoryFiles();
      const items = [itemOf('b.png', fc.sample(annotationOf(['box']), { seed: 3, numRuns: 4 }))];
      await format.write(sourceOf({ train: items }), files, new LossReport());

      for (const [path, text] of files.texts)
        for (let length = 0; length < text.length; length += 3) {
          const cut = memoryFiles({ ...Object.fromEntries(files.texts), [path]: text.slice(0, length) });
          const outcome = readAll(format, cut, items, new LossReport());
          await outcome.catch((error: unknown) => expect(error).toMatchObject({ code: 'FormatUnreadable' }));
        }
      const noText = {
        ...memoryFiles(Object.fromEntries(files.texts)),
        stream: () => bytes(0xff, 0xfe, 0x00),
      };
      await expect(readAll(format, noText, items, new LossReport())).rejects.toMatchObject({
        code: 'FormatUnreadable',
      });
    });
  });
}

const TYPES = ['class', 'box', 'segment', 'binary', 'point', 'polyline', 'ellipse', 'note'];

const ATTRIBUTES: Json[] = [
  ['truncated'],
  ['truncated', 'occluded'],
  ['difficult', 'truncated'],
  ['red'],
  [{ a: 1 }],
  { a: 1 },
];

/** Whole 64ths of a pixel: what every format holds digit for digit. */
const inside = fc.integer({ min: 0, max: SIDE * 64 }).map((each) => each / 64);
const anywhere = fc.integer({ min: -SIDE * 16, max: SIDE * 80 }).map((each) => each / 64);

/** What may be out of the ordinary: one at a time, so that each is seen by itself. */
const ASPECTS = ['label', 'attributes', 'coordinates', 'metadata', 'nothing'] as const;
type Aspect = (typeof ASPECTS)[number];

/** Annotations of the types; rough in the aspect, they have what not every format holds. */
function annotationOf(types: readonly string[], aspect: Aspect = 'nothing'): fc.Arbitrary<FormatAnnotation> {
  const rough = (each: Aspect) => each === aspect;
  return fc
    .record({
      type: fc.constantFrom(...types),
      label: fc.constantFrom(...(rough('label') ? ODD_LABELS : LABELS)),
    })
    .chain(({ type, label }) =>
      fc.record({
        type: fc.constant(type),
        label: fc.constant(label),
        attributes: fc.constantFrom<Json>(...(rough('attributes') ? ATTRIBUTES : [[]])),
        coordinates: coordinatesOf(type, rough('coordinates')),
        metadata: fc.constantFrom<JsonObject>(...(rough('metadata') ? METADATA : [{ system: {} }])),
      }),
    )
    .map(({ coordinates, ...rest }) => ({ ...rest, ...(coordinates !== undefined && { coordinates }) }));
}

const LABELS = ['cat', 'dog', 'Ärger & <b>', '"a,b"'];
const ODD_LABELS = ['', 'two\nlines', '\u0000', ' x ', '\ud800'];
const METADATA: JsonObject[] = [
  { system: { automated: true } },
  { system: {}, user: { isCrowd: true } },
  { system: {}, user: { note: 'x', isCrowd: true } },
  { system: {}, other: 5 },
];

const roughAnnotation = fc
  .constantFrom(...ASPECTS)
  .chain((aspect) => annotationOf(TYPES, aspect).map((annotation) => [aspect, annotation] as const));

function coordinatesOf(type: string, rough: boolean): fc.Arbitrary<Json | undefined> {
  const place = rough ? fc.oneof(inside, anywhere) : inside;
  const corner = fc.record({ x: place, y: place });
  const roughCorner = rough
    ? fc.oneof(
        corner,
        corner.map((each) => ({ ...each, z: 2 })),
      )
    : corner;
  const square = fc.tuple(inside, inside, inside, inside).map(
    ([a, b, c, d]): Json => [
      { x: Math.min(a, b), y: Math.min(c, d), z: 0 },
      { x: Math.max(a, b), y: Math.max(c, d), z: 0 },
    ],
  );
  const turned = fc.tuple(roughCorner, roughCorner, fc.constantFrom(0, 30)).map((each): Json => each);
  const ring = fc.array(roughCorner, { minLength: 3, maxLength: 5 });
  const broken = rough ? [fc.constantFrom<Json[]>('x', [], { x: 1 }, null as never)] : [];
  switch (type) {
    case 'class':
      return fc.constant(undefined);
    case 'box':
      return fc.oneof(
        square,
        ...(rough ? [turned, fc.tuple(roughCorner, roughCorner)] : []),
        ...broken,
      ) as fc.Arbitrary<Json>;
    case 'segment':
      return fc.oneof(
        ring.map((each): Json => [each]),
        ...(rough ? [fc.tuple(ring, ring).map((each): Json => each)] : []),
        ...broken,
      );
    case 'binary':
      return fc.oneof(
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }).map((flags): Json => {
          const runs = flags.flatMap((flag, at) => (flag && at % 2 === 0 ? [at, at + 1] : []));
          return binaryOfMask({ width: 4, height: 3, runs });
        }),
        ...broken,
      );
    case 'point':
      return fc.oneof(roughCorner as fc.Arbitrary<Json>, ...broken);
    default:
      return fc.constant<Json>({ center: { x: 1.5, y: 2, z: 0 }, rx: 3, ry: 4, angle: 5, text: 'a,"b"\n' });
  }
}

function itemOf(path: string, annotations: readonly FormatAnnotation[]): FormatItem {
  return { path, width: SIDE, height: SIDE, annotations };
}

async function readAll(
  format: AnnotationFormat,
  files: Pick<MemoryFiles, 'list' | 'stream'>,
  items: readonly FormatItem[],
  losses: LossReport,
): Promise<Map<string, FormatAnnotation[]>> {
  const found = new Map<string, FormatAnnotation[]>();
  const findStem = async (stem: string) => items.find(({ path }) => stemOf(path) === stem);
  const findPath = async (name: string) => items.find(({ path }) => path === name);
  for await (const { path, annotations } of format.read(files, { losses, findStem, findPath }))
    found.set(path, [...(found.get(path) ?? []), ...annotations]);
  return found;
}

/** Spellings of one thing made one: a z of 0, an angle of 0, coordinates that are null. */
function plain(annotations: readonly FormatAnnotation[]): Json {
  const text = JSON.stringify(annotations, (key, value: unknown) => {
    if (key === 'z' && value === 0) return undefined;
    if (key === 'coordinates' && value === null) return undefined;
    return key === 'coordinates' && Array.isArray(value) && value[2] === 0 ? value.slice(0, 2) : value;
  });
  const keysInOrder = (value: Json): Json =>
    typeof value !== 'object' || value === null
      ? value
      : Array.isArray(value)
        ? value.map(keysInOrder)
        : Object.fromEntries(
            Object.entries(value)
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([name, inner]) => [name, keysInOrder(inner)]),
          );
  return keysInOrder(JSON.parse(text) as Json);
}

async function* bytes(...values: number[]): AsyncGenerator<Uint8Array> {
  yield Uint8Array.from(values);
}
