import { unlessAborted } from '../../unless-aborted.ts';

/** Work that several may wait for, under way or done, until the last of them has left. */
interface Flight<T> {
  done: Promise<T>;
  made: { value: T } | undefined;
  users: number;
  stop: AbortController;
}

/** What a `SharedFetches` does for its users. */
export interface SharedWork<T, R> {
  /** Begun for the first who comes. The signal is aborted when all who waited have gone. */
  begin: (signal: AbortSignal) => Promise<T>;
  /** Done by each user with what was made; `isFirst` for the one for whom it was begun. */
  use: (made: T, isFirst: boolean) => Promise<R>;
  /** Called when the last user has left, if anything was made. */
  end: (made: T) => void;
  /** The user's own: aborting it leaves the others alone. */
  signal?: AbortSignal | undefined;
}

/** Has each thing fetched once, however many ask for it while that is under way. */
export class SharedFetches<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** @throws what `begin` and `use` throw; the signal's reason, at once, when it is aborted */
  async run<R>(name: string, { begin, use, end, signal }: SharedWork<T, R>): Promise<R> {
    signal?.throwIfAborted();
    const known = this.#flights.get(name);
    const flight = known ?? this.#start(name, begin);
    flight.users += 1;
    try {
      const made = await unlessAborted(flight.done, signal);
      return await use(made, known === undefined);
    } finally {
      flight.users -= 1;
      if (flight.users === 0) {
        this.#forget(name, flight);
        if (flight.made) end(flight.made.value);
        else abandon(flight, end);
      }
    }
  }

  /** Whether something of that name is under way. */
  has(name: string): boolean {
    return this.#flights.has(name);
  }

  #start(name: string, begin: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const stop = new AbortController();
    const flight: Flight<T> = { done: begin(stop.signal), made: undefined, users: 0, stop };
    this.#flights.set(name, flight);
    flight.done.then(
      (value) => {
        flight.made = { value };
      },
      // Nobody joins what failed: who comes next tries anew.
      () => this.#forget(name, flight),
    );
    return flight;
  }

  #forget(name: string, flight: Flight<T>): void {
    if (this.#flights.get(name) === flight) this.#flights.delete(name);
  }
}

/** Nobody waits any more. If it is done all the same, what it made still has its end. */
function abandon<T>({ stop, done }: Flight<T>, end: (made: T) => void): void {
  stop.abort();
  done.then(end, () => undefined);
}
