import * as z from 'zod/mini';
import type { ServiceAnswer, ServiceCall } from '../aws/service-call.ts';
import { type CallAws, isOk, refusalOf } from './aws-caller.ts';
import { RelayRefused } from './errors.ts';

/** A schedule as EventBridge Scheduler takes it, but for the group. */
export interface NewSchedule {
  readonly name: string;
  readonly expression: string;
  /** Seconds since 1970. */
  readonly startDate: number | undefined;
  readonly endDate: number | undefined;
  readonly targetArn: string;
  readonly roleArn: string;
  readonly deadLetterArn: string;
  readonly input: string;
}

const listSchema = z.object({
  Schedules: z.array(z.object({ Name: z.string() })),
  NextToken: z.nullish(z.string()),
});

/** Names of all schedules of a group. @throws RelayRefused */
export async function listSchedules(call: CallAws, group: string): Promise<string[]> {
  const names: string[] = [];
  let token: string | undefined;
  do {
    const query = { ScheduleGroup: group, MaxResults: '100', ...(token && { NextToken: token }) };
    const answer = await call('the list of schedules', request('GET', '/schedules', query));
    if (!isOk(answer)) throw new RelayRefused('the list of schedules', refusalOf(answer));
    const { Schedules, NextToken } = listSchema.parse(JSON.parse(answer.text));
    names.push(...Schedules.map(({ Name }) => Name));
    token = NextToken ?? undefined;
  } while (token !== undefined);
  return names;
}

/**
 * Creates a schedule; one of this name is it. Answers why AWS will never take it, if it said so.
 * https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
 * @throws RelayRefused
 */
export async function createSchedule(
  call: CallAws,
  group: string,
  schedule: NewSchedule,
): Promise<string | undefined> {
  const body = {
    GroupName: group,
    ScheduleExpression: schedule.expression,
    ScheduleExpressionTimezone: 'UTC',
    ...(schedule.startDate !== undefined && { StartDate: schedule.startDate }),
    ...(schedule.endDate !== undefined && { EndDate: schedule.endDate }),
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: {
      Arn: schedule.targetArn,
      RoleArn: schedule.roleArn,
      Input: schedule.input,
      DeadLetterConfig: { Arn: schedule.deadLetterArn },
      RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 5 },
    },
  };
  const answer = await call('a schedule', request('POST', `/schedules/${schedule.name}`, {}, body));
  if (isOk(answer) || answer.status === 409) return undefined;
  if (isInvalid(answer)) return refusalOf(answer);
  throw new RelayRefused('a schedule', refusalOf(answer));
}

/** Deletes a schedule; one that is gone is no failure. @throws RelayRefused */
export async function deleteSchedule(call: CallAws, group: string, name: string): Promise<void> {
  const answer = await call(
    'the end of a schedule',
    request('DELETE', `/schedules/${name}`, { groupName: group }),
  );
  if (!isOk(answer) && answer.status !== 404)
    throw new RelayRefused('the end of a schedule', refusalOf(answer));
}

function isInvalid({ status, text }: ServiceAnswer): boolean {
  return status === 400 && text.includes('ValidationException');
}

function request(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  query: Readonly<Record<string, string>>,
  body?: object,
): Omit<ServiceCall, 'region'> {
  return {
    service: 'scheduler',
    method,
    path,
    query,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? '' : JSON.stringify(body),
  };
}
