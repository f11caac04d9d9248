import * as z from 'zod/mini';

/** Numbers that JSON does not have, as documents, the API and the command line write them. */
const WORDS = ['NaN', 'Infinity', '-Infinity'] as const;

/** A number of a curve as it is stored: NaN and infinities as text. */
export const metricNumberSchema = z.union([z.number(), z.enum(WORDS)]);
export type MetricNumber = z.output<typeof metricNumberSchema>;

/** A number of a curve as it is given: any number, or its text. */
export const givenMetricNumberSchema = z.pipe(
  z.custom<number | MetricNumber>(
    (value) => typeof value === 'number' || WORDS.includes(value as (typeof WORDS)[number]),
    'expected a number, "NaN", "Infinity" or "-Infinity"',
  ),
  z.transform(toMetricNumber),
);

export function toMetricNumber(value: number | MetricNumber): MetricNumber {
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  return String(value) as MetricNumber;
}

/** As a number again; NaN and infinities included. */
export function fromMetricNumber(value: MetricNumber): number {
  return Number(value);
}

/** Orders by number; NaN goes after all others. */
export function compareMetricNumbers(a: MetricNumber, b: MetricNumber): number {
  const [first, second] = [Number(a), Number(b)];
  if (Number.isNaN(first) || Number.isNaN(second))
    return Number(Number.isNaN(first)) - Number(Number.isNaN(second));
  return first < second ? -1 : first > second ? 1 : 0;
}
