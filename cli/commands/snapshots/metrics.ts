import { logMetrics, readMetrics } from '../../../shared/catalog/metrics.ts';
import { fromMetricNumber } from '../../../shared/entities/metric-number.ts';
import type { MetricSample } from '../../../shared/entities/metric-sample.ts';
import type { Answer } from '../../command.ts';
import { sparkline } from '../../output/sparkline.ts';
import { table } from '../../output/table.ts';
import { numberText } from '../../output/units.ts';
import { find } from '../../references.ts';
import type { Session } from '../../session.ts';

export async function logOne(
  session: Session,
  reference: string,
  { figure, legend, x, y }: { figure: string; legend: string; x: number; y: number },
): Promise<Answer> {
  const { id, name } = await find(session, 'Snapshot', reference);
  const [sample] = await logMetrics(session.platform, session.actor, id, { figure, legend, x, y });
  return { json: { ...sample! }, text: `${name}: ${figure}, ${legend} at ${x} is ${y}.` };
}

export async function showMetrics(
  session: Session,
  reference: string,
  { figure }: { figure?: string },
): Promise<Answer> {
  const { id, name } = await find(session, 'Snapshot', reference);
  const samples = await readMetrics(session.platform, session.actor, id, { figure });
  const where = figure === undefined ? '' : ` in figure ${figure}`;
  return {
    json: samples.map((sample) => ({ ...sample })),
    text: table(
      ['FIGURE', 'LEGEND', 'POINTS', 'FIRST', 'LAST', 'LOWEST', 'HIGHEST', 'CURVE'],
      curvesOf(samples).map(curveRow),
      `Snapshot ${name} has no metrics${where}.`,
    ),
  };
}

/** Samples by curve; they come ordered by figure, legend and x. */
function curvesOf(samples: readonly MetricSample[]): MetricSample[][] {
  const curves = Map.groupBy(samples, ({ figure, legend }) => JSON.stringify([figure, legend]));
  return [...curves.values()];
}

function curveRow(curve: readonly MetricSample[]): string[] {
  const values = curve.map(({ y }) => fromMetricNumber(y));
  const numbers = values.filter((value) => !Number.isNaN(value));
  const { figure, legend } = curve[0]!;
  return [
    figure,
    legend,
    String(curve.length),
    numberText(values[0]!),
    numberText(values.at(-1)!),
    numberText(numbers.reduce((least, value) => Math.min(least, value), numbers[0] ?? Number.NaN)),
    numberText(numbers.reduce((most, value) => Math.max(most, value), numbers[0] ?? Number.NaN)),
    sparkline(values),
  ];
}
