import { Conflict, ModelfnError } from '../errors.ts';

/** A project name that is taken. 500 and the wording are the platform's own (docs/WIRE.md, Projects). */
export class ProjectNameTaken extends ModelfnError {
  override readonly name = 'ProjectNameTaken';
  readonly code = 'Conflict';
  readonly statusCode = 500;
  constructor(name: string, cause?: unknown) {
    super(
      `Failed to create project ${JSON.stringify(name)}: there already is a project with this name. Choose another one.`,
      { details: { name }, cause },
    );
  }
}

/** A dataset name that is taken in the project. 400 as the platform answers it (docs/WIRE.md, Datasets). */
export class DatasetNameTaken extends ModelfnError {
  override readonly name = 'DatasetNameTaken';
  readonly code = 'Conflict';
  readonly statusCode = 400;
  constructor(name: string, projectId: string, cause?: unknown) {
    super(
      `There already is a dataset named ${JSON.stringify(name)} in project ${projectId}. Choose another name, or use the dataset that exists.`,
      { details: { name, projectId }, cause },
    );
  }
}

/** A clone whose name is taken. 424 and the wording are the platform's own (docs/WIRE.md, Datasets). */
export class CloneNameTaken extends ModelfnError {
  override readonly name = 'CloneNameTaken';
  readonly code = 'Conflict';
  readonly statusCode = 424;
  constructor(name: string, projectId: string, cause?: unknown) {
    super(
      `Dataset with same name already exist in the specified project: ${JSON.stringify(name)}. Choose another name for the clone.`,
      { details: { name, projectId }, cause },
    );
  }
}

/** A write to a dataset that is locked. */
export class DatasetReadonly extends ModelfnError {
  override readonly name = 'DatasetReadonly';
  readonly code = 'DatasetReadonly';
  readonly statusCode = 403;
  constructor(dataset: { id: string; name: string }) {
    super(
      `Dataset ${JSON.stringify(dataset.name)} (${dataset.id}) is readonly. Unlock it with PATCH {"readonly": false}, or clone it and change the clone.`,
      { details: { datasetId: dataset.id } },
    );
  }
}

/** A path that no item may have. */
export class InvalidItemPath extends ModelfnError {
  override readonly name = 'InvalidItemPath';
  readonly code = 'InvalidItemPath';
  readonly statusCode = 400;
  constructor(path: string, problem: string) {
    const shown = JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}...` : path);
    super(
      `The path ${shown} cannot be used in a dataset: ${problem}. A path reads like "/folder/name.png".`,
      {
        details: { problem },
      },
    );
  }
}

/** A path where something else already is. */
export class PathTaken extends Conflict {
  override readonly name = 'PathTaken';
  constructor(path: string, holder: 'file' | 'dir') {
    super(
      `There already is a ${holder === 'dir' ? 'folder' : 'file'} at ${JSON.stringify(path)}. Choose another path, or move what is there first.`,
      { details: { path, holder } },
    );
  }
}

/** A file over the size limit. Nothing of it was kept. */
export class ItemTooLarge extends ModelfnError {
  override readonly name = 'ItemTooLarge';
  readonly code = 'ItemTooLarge';
  readonly statusCode = 413;
  constructor(path: string, maxBytes: number, cause?: unknown) {
    super(
      `${JSON.stringify(path)} is larger than ${maxBytes} bytes, the limit of one item; nothing of it was kept. Split it, or raise MODELFN_MAX_ITEM_BYTES.`,
      { details: { path, maxBytes }, cause },
    );
  }
}

/** An id that cannot be one: items, annotations and ontologies have 24 hex digits. */
export class MalformedId extends ModelfnError {
  override readonly name = 'MalformedId';
  readonly code = 'InvalidInput';
  readonly statusCode = 400;
  constructor(kind: string, id: string) {
    super(
      `${JSON.stringify(id.slice(0, 100))} is not the id of an ${kind}: those have 24 hexadecimal digits.`,
      { details: { kind } },
    );
  }
}

/** A project that the caller may not put something into. Whether it exists is not told. */
export class ProjectForbidden extends ModelfnError {
  override readonly name = 'ProjectForbidden';
  readonly code = 'Forbidden';
  readonly statusCode = 403;
  constructor(projectId: string) {
    super(`You have no access to project ${JSON.stringify(projectId)}. Ask its owner for a role in it.`, {
      details: { projectId },
    });
  }
}

/** An update of a label that the ontology does not have. */
export class LabelNotFound extends ModelfnError {
  override readonly name = 'LabelNotFound';
  readonly code = 'LabelNotFound';
  readonly statusCode = 404;
  constructor(label: string, ontologyId: string, known: readonly string[]) {
    super(
      `No label ${JSON.stringify(label)} in ontology ${ontologyId}. ${known.length > 0 ? `It has: ${known.slice(0, 20).join(', ')}. ` : ''}Send upsert: true to add it.`,
      { details: { label, ontologyId } },
    );
  }
}
