import type { EntityKind } from '../entities/kinds.ts';
import { Conflict, ModelfnError, messageOf } from '../errors.ts';

/** A reference that fits nothing the caller may see. */
export class EntityNotFound extends ModelfnError {
  override readonly name = 'EntityNotFound';
  readonly code = 'EntityNotFound';
  readonly statusCode = 404;
  constructor(fields: {
    kind: EntityKind;
    reference: string;
    where?: string;
    known?: readonly string[];
    field?: string;
    advice?: string;
  }) {
    const known = fields.known ?? [];
    super(
      [
        `${fields.field === undefined ? '' : `${fields.field}: `}No ${fields.kind} ${fields.reference}${fields.where ? ` in ${fields.where}` : ''}.`,
        known.length > 0 ? `It has: ${known.join(', ')}.` : '',
        fields.advice ?? '',
      ]
        .filter((part) => part !== '')
        .join(' '),
      {
        details: {
          kind: fields.kind,
          reference: fields.reference,
          known: [...known],
          field: fields.field ?? null,
        },
      },
    );
  }
}

/** A name, or an id, that is taken. */
export class DuplicateEntity extends Conflict {
  override readonly name = 'DuplicateEntity';
  override readonly code = 'Conflict';
  /** `what` names the column that must be unique, `value` is what it has already. */
  constructor(kind: EntityKind, what: string, value: string, cause?: unknown) {
    super(
      `${kind} with ${what} ${JSON.stringify(value.slice(0, 256))} is already there. Choose another ${what}, or update the one that exists.`,
      { details: { kind, what, value: value.slice(0, 256) }, cause },
    );
  }
}

/** The store cannot be read or written just now. */
export class StoreUnavailable extends ModelfnError {
  override readonly name = 'StoreUnavailable';
  readonly code = 'StoreUnavailable';
  readonly statusCode = 503;
  override readonly retryable = true;
  constructor(cause: unknown, advice: string) {
    super(`The entity store did not answer: ${messageOf(cause)}. ${advice}`, { cause });
  }
}

/** A query that took longer than one request may. Nothing was changed. */
export class QueryTooSlow extends ModelfnError {
  override readonly name = 'QueryTooSlow';
  readonly code = 'QueryTooSlow';
  readonly statusCode = 422;
  constructor(limitMs: number, cause?: unknown) {
    super(
      `The query took longer than ${limitMs / 1000} s and was stopped. Ask for less: name the dataset or the folder, use fewer conditions, or filter by id, name, type or label.`,
      { details: { limitMs }, cause },
    );
  }
}

/** A call to a store, or to a transaction, after its end: a fault of the caller. */
export class StoreClosed extends ModelfnError {
  override readonly name = 'StoreClosed';
  readonly code = 'StoreClosed';
  readonly statusCode = 500;
  constructor(what: string) {
    super(`${what}; open the store again, or await the work before its end.`);
  }
}

const RESTORE = 'Put back a copy of the state folder; buckets and contents are separate and not touched.';

/** The store's file is damaged, or is no store. */
export class StoreCorrupt extends ModelfnError {
  override readonly name = 'StoreCorrupt';
  readonly code = 'StoreCorrupt';
  readonly statusCode = 500;
  constructor(cause: unknown, advice: string = RESTORE) {
    super(`The entity store cannot be read: ${messageOf(cause)}. ${advice}`, { cause });
  }
}

/** The store was written by a newer modelfn. */
export class StoreTooNew extends ModelfnError {
  override readonly name = 'StoreTooNew';
  readonly code = 'StoreTooNew';
  readonly statusCode = 500;
  constructor(found: number, known: number) {
    super(
      `The entity store has schema version ${found}; this modelfn knows versions up to ${known}. Use the newer modelfn, or another state folder.`,
      { details: { found, known } },
    );
  }
}
