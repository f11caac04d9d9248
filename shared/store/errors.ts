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
  constructor(kind: EntityKind, what: string, cause?: unknown) {
    super(
      `There already is a ${kind} with this ${what}. Choose another one, or update the one that exists.`,
      {
        details: { kind, what },
        cause,
      },
    );
  }
}

/** The store's file cannot be read or written just now. */
export class StoreUnavailable extends ModelfnError {
  override readonly name = 'StoreUnavailable';
  readonly code = 'StoreUnavailable';
  readonly statusCode = 503;
  override readonly retryable = true;
  constructor(cause: unknown, advice: string) {
    super(`The entity store did not answer: ${messageOf(cause)}. ${advice}`, { cause });
  }
}
