import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { fields, table } from '../output/table.ts';

const callerSchema = z.object({
  /** sha256 over the annotations the caller wrote. */
  digest: z.string(),
  annotations: z.number(),
  milliseconds: z.number(),
});

const reportSchema = z.object({
  project: z.string(),
  dataset: z.object({ id: z.string(), items: z.number() }),
  snapshot: z.object({ id: z.string(), name: z.string(), revision: z.number(), manifestSha256: z.string() }),
  train: z.object({ items: z.number(), supportVectors: z.number(), milliseconds: z.number() }),
  load: z.object({ files: z.number(), sizeBytes: z.number(), milliseconds: z.number() }),
  test: z.object({
    items: z.number(),
    accuracy: z.number(),
    f1: z.number(),
    perLabel: z.record(z.string(), z.record(z.string(), z.number())),
  }),
  callers: z.object({ http: callerSchema, event: callerSchema, pipeline: callerSchema }),
  /** From the start of a process to its first prediction, and one more prediction in a warm one. */
  coldMs: z.number(),
  warmMs: z.number(),
});
/** What the demo found. */
export type DemoReport = z.output<typeof reportSchema>;

/** The report of an earlier start, if it is about this very revision. */
export async function readReport(file: string, snapshot: Snapshot): Promise<DemoReport | undefined> {
  try {
    const report = z.safeParse(reportSchema, JSON.parse(await readFile(file, 'utf8')));
    const about = report.data?.snapshot;
    return about?.id === snapshot.id && about.revision === snapshot.revision ? report.data : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the report in one step: who reads it finds all of it. */
export async function writeReport(file: string, report: DemoReport): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(report, null, 2)}\n`);
  await rename(temporary, file);
}

/** The report as a person reads it. */
export function reportText({ test, train, load, callers, coldMs, warmMs }: DemoReport): string {
  const rows = Object.entries(test.perLabel).map(([label, scores]) => [
    label,
    scores.support ?? 0,
    rounded(scores.precision),
    rounded(scores.recall),
    rounded(scores.f1),
  ]);
  const digests = new Set(Object.values(callers).map(({ digest }) => digest));
  return [
    table(['digit', 'items', 'precision', 'recall', 'F1'], rows),
    '',
    fields([
      ['accuracy', `${(100 * test.accuracy).toFixed(2)} % of ${test.items} test items`],
      [
        'trained on',
        `${train.items} items, ${train.supportVectors} support vectors, ${seconds(train.milliseconds)}`,
      ],
      [
        'weights',
        `${load.files} files, ${Math.round(load.sizeBytes / 1024)} KiB, loaded and verified in ${Math.round(load.milliseconds)} ms`,
      ],
      ['cold', `${Math.round(coldMs)} ms from process start to first prediction`],
      ['warm', `${warmMs.toFixed(2)} ms a call, resolved, predicted and written back`],
      ...Object.entries(callers).map(
        ([name, { digest, annotations, milliseconds }]) =>
          [
            `by ${name}`,
            `${annotations} annotations in ${seconds(milliseconds)}, digest ${digest.slice(0, 16)}`,
          ] as const,
      ),
      [
        'the callers',
        digests.size === 1 ? 'wrote the same annotations' : 'DIFFER: that is a fault of modelfn',
      ],
    ]),
  ].join('\n');
}

function rounded(value: number | undefined): string {
  return (value ?? 0).toFixed(4);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
