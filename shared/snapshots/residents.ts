import { unlessAborted } from '../unless-aborted.ts';

/** What a `Residents` holds at most. */
export interface ResidentLimits {
  count: number;
  bytes: number;
}

/** One thing in use. */
export interface Held<T> {
  value: T;
  /** Whether it had to be loaded for this call. */
  cold: boolean;
  /** Says that the caller is done with it. May be called twice. */
  release(): void;
}

/** Tells how many bytes a thing takes; may be called again when more is known, first before memory is filled. */
export type TellCost = (bytes: number) => void;

interface Resident<T> {
  loading: Promise<T>;
  loaded: { value: T } | undefined;
  costBytes: number;
  users: number;
}

/**
 * Things in memory by name, each loaded once however many ask for it. Over a limit the least recently used one goes
 * first, to `dispose`, once; never one that is in use, and never the last one asked for, even if it alone is too big.
 */
export class Residents<T> {
  readonly #limits: ResidentLimits;
  readonly #dispose: (value: T) => void;
  /** In order of last use. */
  readonly #residents = new Map<string, Resident<T>>();

  constructor(limits: ResidentLimits, dispose: (value: T) => void) {
    this.#limits = limits;
    this.#dispose = dispose;
  }

  /**
   * The signal ends the caller's waiting only. The load goes on, and the next call finds it or joins it.
   * @throws what `load` throws; then nothing is kept, and the next call loads again. The signal's reason
   */
  async acquire(name: string, load: (tell: TellCost) => Promise<T>, signal?: AbortSignal): Promise<Held<T>> {
    signal?.throwIfAborted();
    const known = this.#residents.get(name);
    const resident = known ?? this.#begin(name, load);
    this.#residents.delete(name);
    this.#residents.set(name, resident);
    resident.users += 1;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      resident.users -= 1;
      this.#evict();
    };
    try {
      return { value: await unlessAborted(resident.loading, signal), cold: known === undefined, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #begin(name: string, load: (tell: TellCost) => Promise<T>): Resident<T> {
    const resident: Resident<T> = {
      // A turn later: what it tells at once has an entry to go to.
      loading: Promise.resolve().then(() =>
        load((bytes) => {
          resident.costBytes = bytes;
          this.#evict();
        }),
      ),
      loaded: undefined,
      costBytes: 0,
      users: 0,
    };
    resident.loading.then(
      (value) => {
        resident.loaded = { value };
        // Nobody may have waited for it to the end: then no release follows that keeps the limits.
        if (resident.users === 0) this.#evict();
      },
      () => {
        if (this.#residents.get(name) === resident) this.#residents.delete(name);
      },
    );
    return resident;
  }

  #evict(): void {
    let excess = this.#excess();
    if (excess.count <= 0 && excess.bytes <= 0) return;
    const lastUsed = [...this.#residents.keys()].at(-1);
    for (const [name, { loaded, users }] of this.#residents) {
      if (loaded === undefined || users > 0 || name === lastUsed) continue;
      this.#residents.delete(name);
      this.#dispose(loaded.value);
      excess = this.#excess();
      if (excess.count <= 0 && excess.bytes <= 0) return;
    }
  }

  #excess(): ResidentLimits {
    let bytes = 0;
    for (const { costBytes } of this.#residents.values()) bytes += costBytes;
    return { count: this.#residents.size - this.#limits.count, bytes: bytes - this.#limits.bytes };
  }
}
