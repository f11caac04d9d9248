import { type SentRequest, type ServiceAnswer, takesEvents } from './aws-services.ts';

/** What was asked of EventBridge Scheduler for one schedule. */
export type ScheduleBody = Record<string, unknown> & { Target: Record<string, unknown> };

/**
 * EventBridge Scheduler as far as the relay uses it, two schedules a page. It refuses what AWS refuses: a name twice, a start
 * that lies back, an end that is over.
 */
export class FakeScheduler {
  readonly schedules = new Map<string, ScheduleBody>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  readonly respond = (request: SentRequest): ServiceAnswer | undefined => {
    const url = new URL(request.path, 'http://aws');
    if (!url.pathname.startsWith('/schedules')) return takesEvents(request);
    const name = url.pathname.split('/')[2];
    if (name === undefined) return this.#list(url.searchParams);
    if (request.method === 'DELETE')
      return this.schedules.delete(name) ? json(200, {}) : json(404, { __type: 'ResourceNotFoundException' });
    return this.#create(name, JSON.parse(request.body) as ScheduleBody);
  };

  #list(query: URLSearchParams): ServiceAnswer {
    const from = Number(query.get('NextToken') ?? 0);
    const names = [...this.schedules.keys()];
    const Schedules = names
      .slice(from, from + 2)
      .map((Name) => ({ Name, GroupName: query.get('ScheduleGroup') }));
    return json(200, { Schedules, NextToken: from + 2 < names.length ? String(from + 2) : null });
  }

  #create(name: string, body: ScheduleBody): ServiceAnswer {
    if (this.schedules.has(name)) return json(409, { Message: 'exists' });
    const seconds = this.#now() / 1000;
    if (Number(body.StartDate ?? seconds) < seconds - 300 || Number(body.EndDate ?? seconds) < seconds)
      return json(400, { __type: 'ValidationException', Message: 'a date lies back' });
    this.schedules.set(name, body);
    return json(200, {});
  }
}

function json(status: number, body: object): ServiceAnswer {
  return { status, body: JSON.stringify(body) };
}
