import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { scopeOf } from '../../shared/auth/actor.ts';
import { readExecutionLogs } from '../../shared/catalog/execution-logs.ts';
import { getExecution, terminateExecution } from '../../shared/catalog/executions.ts';
import type { Execution } from '../../shared/entities/execution.ts';
import { isFinished } from '../../shared/entities/execution.ts';
import type { LogLine } from '../../shared/entities/log-line.ts';
import { executionToWire } from '../../shared/invoke/execution-wire.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import type { CliIo } from '../io.ts';
import { wholeOption } from '../options.ts';
import { fields, table, visible } from '../output/table.ts';
import { durationText } from '../output/units.ts';
import type { Session } from '../session.ts';

const LOOK_EVERY_MS = 300;

/** `modelfn executions`. */
export function registerExecutions(program: Command, io: CliIo): void {
  const executions = program.command('executions').description('Executions: runs of functions.');
  withExamples(
    executions
      .command('list')
      .description('List executions, the newest first.')
      .option('--function <name>', 'only those of one function')
      .option('--limit <count>', 'executions shown', wholeOption, 20)
      .action(onSession(io, list)),
    'modelfn executions list --function train',
  );
  withExamples(
    executions
      .command('show')
      .description('Show an execution with its inputs and output.')
      .argument('<id>', 'its id')
      .action(onSession(io, show)),
    'modelfn executions show 61f8245d0f6f7a1100000040',
  );
  withExamples(
    executions
      .command('logs')
      .description('Show what a run logged, and what its adapter said on the console.')
      .argument('<id>', 'its id')
      .option('--follow', 'go on until the run has ended')
      .action(onSession(io, logs)),
    'modelfn executions logs 61f8245d0f6f7a1100000040 --follow',
  );
  withExamples(
    executions
      .command('terminate')
      .description('Ask a run to stop. One that ended stays as it is.')
      .argument('<id>', 'its id')
      .action(onSession(io, terminate)),
    'modelfn executions terminate 61f8245d0f6f7a1100000040',
  );
}

async function list(
  { platform, actor }: Session,
  options: { function?: string; limit: number },
): Promise<Answer> {
  const { items } = await platform.store.query('Execution', {
    filter: options.function === undefined ? {} : { functionName: { $in: [options.function] } },
    scope: scopeOf(actor),
    sort: [{ field: 'createdAt', direction: 'descending' }],
    pageSize: Math.min(10_000, Math.max(1, options.limit)),
  });
  const rows = items.map((each) => [
    each.id,
    each.functionName,
    statusText(each),
    timeText(each),
    each.createdAt,
  ]);
  return {
    json: items.map((each) => executionToWire(each)),
    text: table(['ID', 'FUNCTION', 'STATUS', 'TOOK', 'CREATED'], rows, 'No executions yet.'),
  };
}

async function show({ platform, actor }: Session, id: string): Promise<Answer> {
  const execution = await getExecution(platform, actor, id);
  return {
    json: executionToWire(execution),
    text: fields([
      ['id', execution.id],
      ['function', execution.functionName],
      ['status', statusText(execution)],
      ['took', timeText(execution)],
      ['attempts', `${execution.attempts} of ${execution.maxAttempts}`],
      ['created', execution.createdAt],
      ['inputs', JSON.stringify(execution.input)],
      ['output', execution.output === null ? '' : JSON.stringify(execution.output)],
      ['error', execution.error === null ? '' : `${execution.error.code}: ${execution.error.message}`],
    ]),
  };
}

async function logs(
  { platform, actor, io, mode }: Session,
  id: string,
  { follow = false }: { follow?: boolean },
): Promise<Answer> {
  const all: LogLine[] = [];
  const streams = follow && !mode.json;
  for (let after = 0; ; ) {
    const { logs, checkpoint, stop } = await readExecutionLogs(platform, actor, id, { after });
    all.push(...logs);
    if (streams) for (const line of logs) io.stdout.write(`${lineText(line)}\n`);
    if (stop || !follow || io.interrupted.aborted) break;
    after = checkpoint;
    await setTimeout(LOOK_EVERY_MS, undefined, { signal: io.interrupted }).catch(() => {});
  }
  return {
    json: all.map((line) => ({ ...line })),
    text: streams ? '' : all.map(lineText).join('\n') || `Execution ${id} logged nothing.`,
  };
}

function lineText({ timestamp, level, message }: LogLine): string {
  return `${timestamp} ${level.padEnd(5)} ${visible(message)}`;
}

async function terminate({ platform, actor }: Session, id: string): Promise<Answer> {
  const before = await getExecution(platform, actor, id);
  const execution = await terminateExecution(platform, actor, id);
  const text = isFinished(before)
    ? `Execution ${id} has ended already with ${before.latestStatus.status}.`
    : `Asked execution ${id} to stop.`;
  return { json: executionToWire(execution), text };
}

function statusText({ latestStatus, toTerminate }: Execution): string {
  const { status, percentComplete } = latestStatus;
  if (status !== 'inProgress') return status;
  return `${toTerminate ? 'stopping' : 'inProgress'} ${Math.floor(percentComplete ?? 0)}%`;
}

function timeText(execution: Execution): string {
  return isFinished(execution) ? durationText(execution.duration) : '';
}
