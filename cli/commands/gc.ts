import { type Command, InvalidArgumentError } from 'commander';
import { type BucketGarbage, collectGarbage, type Garbage } from '../../shared/gc/collect-garbage.ts';
import type { Freed } from '../../shared/gc/freed.ts';
import type { LocalLeftovers } from '../../shared/gc/local-leftovers.ts';
import type { Json } from '../../shared/json.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import { WrongUsage } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { table } from '../output/table.ts';
import { countText, sizeText } from '../output/units.ts';
import { find } from '../references.ts';
import type { Session } from '../session.ts';

/** `modelfn gc`. */
export function registerGc(program: Command, io: CliIo): void {
  withExamples(
    program
      .command('gc')
      .description(
        'Show what no revision of any snapshot refers to, bucket by bucket, and free it with --yes. Files that you put into a bucket yourself are never touched.',
      )
      .option('--project <project>', 'only the buckets of one project')
      .option(
        '--older-than <age>',
        'leave what is younger: hours or days, 1h at least; 7d when missing',
        ageOption,
      )
      .option('--dry-run', 'only show; so it is without --yes')
      .option('-y, --yes', 'free it')
      .action(onSession(io, gc)),
    'modelfn gc',
    'modelfn gc --older-than 2d --yes',
  );
}

interface GcOptions {
  project?: string;
  olderThan?: number;
  dryRun?: boolean;
  yes?: boolean;
}

async function gc(session: Session, options: GcOptions): Promise<Answer> {
  if (options.yes && options.dryRun) throw new WrongUsage('Give either --dry-run or --yes, not both.');
  const project = options.project === undefined ? undefined : await find(session, 'Project', options.project);
  const garbage = await collectGarbage(session.platform, {
    projectId: project?.id,
    graceMs: options.olderThan,
    free: options.yes ?? false,
  });
  const isIncomplete = garbage.free && hasFailed(garbage);
  return {
    json: garbage as unknown as Json,
    text: textOf(garbage),
    ...(isIncomplete && { exitCode: EXIT_CODES.unusable }),
  };
}

/** True when something was not freed, or no bucket could be examined. A bucket that is gone has nothing to free. */
function hasFailed({ buckets, local, problem }: Garbage): boolean {
  const isFault = ({ problem }: BucketGarbage) => problem !== null && problem.code !== 'BucketNotFound';
  return problem !== null || buckets.some(isFault) || (local?.problems.length ?? 0) > 0;
}

const UNIT_MS = { h: 3600 * 1000, d: 24 * 3600 * 1000 } as const;

/** `12h`, `7d`; in milliseconds. */
function ageOption(text: string): number {
  const [, count, unit] = /^(\d{1,6})([hd])$/.exec(text) ?? [];
  const ageMs = Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if (ageMs >= UNIT_MS.h) return ageMs;
  throw new InvalidArgumentError('It is to be hours or days from 1h, such as 12h or 7d.');
}

function textOf({ free, buckets, local, problem }: Garbage): string {
  const told = buckets.filter((each) => each.problem !== null || each.foreign > 0 || hasGarbage(each));
  const problems = told.filter(({ problem }) => problem !== null);
  return [
    table(
      [
        'BUCKET',
        'SNAPSHOTS',
        'MANIFESTS',
        'OBJECTS',
        'UNFINISHED',
        'TOO YOUNG',
        free ? 'FREED' : 'WOULD FREE',
        'NOTE',
      ],
      told.map((each) => rowOf(each, free)),
      `${countText(buckets.length, 'bucket')}: nothing to free.`,
    ),
    ...problems.map(({ bucket, problem }) => `${JSON.stringify(bucket)}: ${problem!.message}`),
    ...told
      .filter(({ foreign }) => foreign > 0)
      .map(
        ({ bucket, foreign }) =>
          `${JSON.stringify(bucket)}: ${countText(foreign, 'manifest')} of another store, kept with all they list.`,
      ),
    ...(problem ? [`No bucket was looked at: ${problem.message}`] : []),
    ...(local ? [localText(local, free)] : []),
    ...(local?.problems ?? []).map(({ what, message }) => `Not removed (${WHAT[what]}): ${message}`),
    ...(free || told.length === 0 ? [] : ['Nothing was freed. Free it with: modelfn gc --yes']),
  ].join('\n');
}

function hasGarbage({ objects, manifests, unfinished, young }: BucketGarbage): boolean {
  return [objects, manifests, unfinished, young].some(({ count }) => count > 0);
}

function rowOf(each: BucketGarbage, free: boolean): (string | number | null)[] {
  const { bucket, snapshots, objects, manifests, unfinished, young, freed, problem } = each;
  const wouldFree = objects.sizeBytes + manifests.sizeBytes + unfinished.sizeBytes;
  const place = bucket.type === 'local' && bucket.localPath ? bucket.localPath : bucket.type;
  return [
    place,
    snapshots.slice(0, 3).join(', ') + (snapshots.length > 3 ? ', ...' : ''),
    manifests.count,
    objects.count,
    unfinished.count,
    young.count,
    sizeText(free ? freed.sizeBytes : wouldFree),
    problem?.code ?? null,
  ];
}

const WHAT = { temporary: 'temporary file', codebases: 'old codebase', cachedWeights: 'cached weights' };

function localText({ temporary, codebases, cachedWeights }: LocalLeftovers, free: boolean): string {
  const weights = free ? cachedWeights.freedBytes : cachedWeights.excessBytes;
  const shown = ({ count, sizeBytes }: Freed, noun: string): string =>
    `${countText(count, noun)} (${sizeText(sizeBytes)})`;
  return `This machine: ${shown(temporary, 'temporary file')}, ${shown(codebases, 'old codebase')}, ${sizeText(weights)} of cached weights beyond the limit${free ? ' freed' : ''}.`;
}
