import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { SVM_DEFAULTS } from '../../../adapters/svm/configuration.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../shared/json.ts';

it('tells every setting of the configuration with its default in the README', async () => {
  const text = await readFile(new URL('../../../adapters/svm/README.md', import.meta.url), 'utf8');
  const [, section] = /\n## Configuration\n([\s\S]*?)\n## /.exec(text)!;
  const rows = [...section!.matchAll(/^\| `([\w.]+)` \| `([^`]+)` \|/gm)];

  const told = rows.map(([, name, value]) => [name, JSON.parse(value!) as Json]);

  expect(Object.fromEntries(told)).toEqual(flat(SVM_DEFAULTS));
});

/** `{"a": {"b": 1}}` as `{"a.b": 1}`. */
function flat(object: JsonObject, prefix = ''): JsonObject {
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]) =>
      isJsonObject(value) ? Object.entries(flat(value, `${prefix}${name}.`)) : [[`${prefix}${name}`, value]],
    ),
  );
}
