import type { JsonObject } from '../json.ts';

/** One field that a format does not hold. */
export interface Loss {
  /** Type of the annotation; `file`, `image` or `category` for what is said of those. */
  type: string;
  /** `*` for the whole annotation. */
  field: string;
  how: 'dropped' | 'approximated';
  count: number;
  /** The first value that was lost, as JSON, cut after some 120 characters. */
  example: string;
}

/** Distinct fields that are told apart: names of fields come from outside. */
const MOST_LOSSES = 500;
const MOST_EXAMPLE = 120;
const MOST_NAME = 100;

/** Names and counts what a conversion loses. */
export class LossReport {
  readonly #losses = new Map<string, Loss>();

  /** Nothing of the field is kept. */
  dropped(type: string, field: string, example: unknown): void {
    this.#note(type, field, 'dropped', example);
  }

  /** Something near to it is kept. */
  approximated(type: string, field: string, example: unknown): void {
    this.#note(type, field, 'approximated', example);
  }

  /** Takes over what another report has. */
  add(other: LossReport): void {
    for (const loss of other.list()) {
      const key = JSON.stringify([loss.type, loss.field, loss.how]);
      const known = this.#losses.get(key);
      if (known) known.count += loss.count;
      else this.#losses.set(key, { ...loss });
    }
  }

  get isEmpty(): boolean {
    return this.#losses.size === 0;
  }

  /** In order of type and field. */
  list(): Loss[] {
    const keyOf = ({ type, field, how }: Loss) => `${type}\0${field}\0${how}`;
    return [...this.#losses.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  toJson(): JsonObject[] {
    return this.list().map((loss) => ({ ...loss }));
  }

  #note(type: string, field: string, how: Loss['how'], example: unknown): void {
    const names = this.#losses.size < MOST_LOSSES ? ([type, field] as const) : (['other', 'other'] as const);
    const key = JSON.stringify([...names, how]);
    const known = this.#losses.get(JSON.stringify([type, field, how])) ?? this.#losses.get(key);
    if (known) known.count += 1;
    else
      this.#losses.set(key, {
        type: names[0].slice(0, MOST_NAME),
        field: names[1].slice(0, MOST_NAME),
        how,
        count: 1,
        example: (JSON.stringify(example) ?? '').slice(0, MOST_EXAMPLE),
      });
  }
}
