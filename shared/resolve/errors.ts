import type { EntityKind } from '../entities/kinds.ts';
import { ModelfnError } from '../errors.ts';

/** A name that fits two or more entities the caller may see. */
export class AmbiguousReference extends ModelfnError {
  override readonly name = 'AmbiguousReference';
  readonly code = 'AmbiguousReference';
  readonly statusCode = 409;
  constructor(fields: { kind: EntityKind; reference: string; field: string; found: readonly string[] }) {
    const { kind, reference, field, found } = fields;
    super(
      `${field}: ${found.length} entities of kind ${kind} are ${reference}: ${found.join(', ')}. Refer to one of them by its id, or narrow the name by project or model.`,
      { details: { kind, reference, field, found: [...found] } },
    );
  }
}

/** An entity that exists and may be seen, but not in the project of the call. */
export class EntityOutsideProject extends ModelfnError {
  override readonly name = 'EntityOutsideProject';
  readonly code = 'EntityOutsideProject';
  readonly statusCode = 403;
  constructor(fields: { kind: EntityKind; id: string; field: string; projectId: string; found: string }) {
    const { kind, id, field, projectId, found } = fields;
    super(
      `${field}: ${kind} ${id} belongs to project ${found}, the call to project ${projectId}. Use a ${kind} of that project, or clone this one into it.`,
      { details: { kind, id, field, projectId, found } },
    );
  }
}
