import { listMatches } from '../catalog/all-matches.ts';
import { isoTime } from '../clock.ts';
import { isAlive } from '../entities/execution.ts';
import type { PipelineExecution } from '../entities/pipeline.ts';
import { messageOf } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { PipelineAbandoned, PipelineNotResumable } from './errors.ts';

type Shop = Pick<Platform, 'store' | 'clock' | 'config'>;

/** Beats that a lease outlives: a store that is away for a moment ends no run. */
const BEATS_PER_LEASE = 5;

/** Claim of a command on a run of a pipeline. A server leaves such a run alone, and does not resume it. */
export async function runnerLease(
  { store, config }: Pick<Shop, 'store' | 'config'>,
  holder: string,
): Promise<NonNullable<PipelineExecution['runner']>> {
  const expiresAt = new Date((await store.now()) + config.leaseMs).toISOString();
  return { holder, expiresAt, lengthMs: config.leaseMs };
}

/** Renews a command's claim until ended. */
export function holdPipeline(
  platform: Shop & Pick<Platform, 'log'>,
  id: string,
  holder: string,
): { end(): Promise<void> } {
  let beating: Promise<void> | undefined;
  const beat = async (): Promise<void> => {
    try {
      const runner = await runnerLease(platform, holder);
      await platform.store.update('PipelineExecution', id, (current) =>
        isOpen(current) && current.runner?.holder === holder ? { ...current, runner } : current,
      );
    } catch (error) {
      platform.log.warn('claim on a pipeline run not renewed', { execution: id, reason: messageOf(error) });
    }
  };
  const timer = setInterval(() => {
    beating ??= beat().finally(() => {
      beating = undefined;
    });
  }, platform.config.leaseMs / BEATS_PER_LEASE);
  return {
    async end() {
      clearInterval(timer);
      await beating;
    },
  };
}

/** Gives a run that failed, or was left behind, to a command. @throws PipelineNotResumable, EntityNotFound */
export async function claimPipeline(platform: Shop, id: string, holder: string): Promise<PipelineExecution> {
  const { store, clock } = platform;
  const runner = await runnerLease(platform, holder);
  const now = await store.now();
  return store.update('PipelineExecution', id, (current) => {
    if (current.status === 'success') throw new PipelineNotResumable(id, 'it has ended well');
    if (isOpen(current) && !current.runner)
      throw new PipelineNotResumable(id, 'a server runs it, or resumes it when it starts');
    if (isOpen(current) && isAlive({ lease: current.runner! }, now))
      throw new PipelineNotResumable(id, 'another command runs it');
    return { ...current, status: 'inProgress', error: null, runner, updatedAt: isoTime(clock) };
  });
}

/** True for a run that a command has, or had. A run whose command is gone is recorded as failed. */
export async function belongsToCommand(
  { store, clock }: Pick<Shop, 'store' | 'clock'>,
  { id, runner }: PipelineExecution,
): Promise<boolean> {
  if (!runner) return false;
  const now = await store.now();
  if (isAlive({ lease: runner }, now)) return true;
  await store.update('PipelineExecution', id, (current) =>
    isOpen(current) && current.runner && !isAlive({ lease: current.runner }, now)
      ? {
          ...current,
          status: 'failed',
          error: new PipelineAbandoned(id).toJSON(),
          runner: null,
          updatedAt: isoTime(clock),
        }
      : current,
  );
  return true;
}

/** Records runs of commands that are gone as failed. */
export async function abandonPipelines(platform: Pick<Shop, 'store' | 'clock'>): Promise<void> {
  const filter = { status: { $in: ['created', 'inProgress'] } };
  const open = await listMatches(platform.store, 'PipelineExecution', { filter, skipsUnreadable: true });
  for (const execution of open) await belongsToCommand(platform, execution);
}

function isOpen({ status }: PipelineExecution): boolean {
  return status === 'created' || status === 'inProgress';
}
