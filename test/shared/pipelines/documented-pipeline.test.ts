import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { graphSchema } from '../../../shared/entities/pipeline.ts';
import { parse } from '../../../shared/parse.ts';
import { freeInputs, problemsOf } from '../../../shared/pipelines/validate-graph.ts';

it('the pipeline of the documentation has no fault', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/PIPELINES.md'), 'utf8');
  const [, json] = /```json\n([\s\S]*?)```/.exec(text)!;

  const graph = parse(graphSchema, JSON.parse(json!), 'pipeline');

  expect(problemsOf(graph)).toEqual([]);
  expect(freeInputs(graph).map(({ name }) => name)).toEqual(['snapshot']);
});
