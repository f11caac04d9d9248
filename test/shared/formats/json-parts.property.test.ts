import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonParts } from '../../../shared/formats/json-parts.ts';
import type { Json } from '../../../shared/json.ts';

const object = fc.dictionary(fc.string(), fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())), {
  maxKeys: 5,
  noNullPrototype: true,
});

describe('jsonParts', () => {
  it('has the members and elements that JSON.parse has, however the text is cut and spaced', async () => {
    await fc.assert(
      fc.asyncProperty(
        object,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(0, 1),
        async (given, size, indent) => {
          const text = JSON.stringify(given, null, indent);
          const members = Object.entries(JSON.parse(text) as Record<string, Json>);

          const found = await read(text, size);

          expect(found).toEqual(
            members.flatMap(([key, value]) =>
              Array.isArray(value)
                ? value.map((element) => ({ key, isElement: true, value: element }))
                : [{ key, isElement: false, value }],
            ),
          );
        },
      ),
    );
  });

  it('refuses what JSON.parse refuses', async () => {
    await fc.assert(
      fc.asyncProperty(
        object,
        fc.nat(),
        fc.constantFrom('', ',', '}', ']', '"', 'x', '0'),
        async (given, place, piece) => {
          const text = JSON.stringify(given);
          const at = place % (text.length + 1);
          const broken = text.slice(0, at) + piece + text.slice(at + 1);
          let isJson = true;
          try {
            JSON.parse(broken);
          } catch {
            isJson = false;
          }

          const outcome = read(broken, 5);

          if (isJson) await outcome;
          else await expect(outcome).rejects.toBeInstanceOf(SyntaxError);
        },
      ),
    );
  });

  it('passes over the elements of lists that are not wanted', async () => {
    expect(await read('{"a":[1,{"b":[2]}],"c":3}', 1, ['a'])).toEqual([
      { key: 'c', isElement: false, value: 3 },
    ]);
  });
});

async function read(text: string, size: number, skipped: string[] = []) {
  async function* chunks() {
    for (let start = 0; start < text.length; start += size) yield text.slice(start, start + size);
  }
  return Array.fromAsync(jsonParts(chunks(), { skipped }));
}
