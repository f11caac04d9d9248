import type { JsonObject } from '../../shared/json.ts';
import { failedLines, part, parts, unreadableLines } from './parts.ts';
import { table, visible } from './table.ts';
import { countText } from './units.ts';

/** Result of reading files into a dataset, without the loss report. */
export function importLines(output: JsonObject): string[] {
  const failed = parts(output, 'failed');
  const { created, existed } = part(output, 'annotations');
  const partitions = Object.entries(part(output, 'partitions')).map(([name, count]) => `${count} ${name}`);
  return [
    ...(output.detected === undefined ? [] : [`Format: ${output.format}, because ${output.detected}.`]),
    `${part(output, 'dataset').name}: ${output.created} created, ${output.overwritten} overwritten.`,
    ...(created === undefined ? [] : [`Annotations: ${created} created, ${existed} there already.`]),
    ...(partitions.length > 0 ? [`Partitions: ${partitions.join(', ')}.`] : []),
    ...withoutAnnotations(output),
    ...unreadableLines(parts(output, 'unreadable'), Number(output.unreadableCount ?? 0)),
    ...(failed.length > 0 ? [`Failed: ${output.failures ?? failed.length}`, ...failedLines(failed)] : []),
  ];
}

function withoutAnnotations(output: JsonObject): string[] {
  const { count, examples } = part(output, 'withoutAnnotations');
  if (!Number(count)) return [];
  const named = Array.isArray(examples) ? examples.map((each) => visible(String(each))) : [];
  return [
    `Without annotations: ${countText(Number(count), 'item')}, such as ${named.slice(0, 3).join(', ')}.`,
  ];
}

/** Lines that report what the format does not hold, one per field. */
export function lossLines(losses: readonly JsonObject[]): string[] {
  if (losses.length === 0) return [];
  const rows = losses.map(({ type, field, how, count, example }) => [
    String(type),
    String(field),
    String(how),
    Number(count),
    String(example),
  ]);
  return ['', 'Lost:', table(['TYPE', 'FIELD', 'HOW', 'COUNT', 'EXAMPLE'], rows)];
}
