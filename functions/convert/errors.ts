import { ModelfnError } from '../../shared/errors.ts';

/** An adapter whose weights cannot be told in the format that was asked for. */
export class ModelNotExportable extends ModelfnError {
  override readonly name = 'ModelNotExportable';
  readonly code = 'ModelNotExportable';
  readonly statusCode = 422;
  constructor(adapter: string, format: string) {
    super(
      `The adapter ${adapter} cannot write its weights as ${format}: it has no exportOnnx(). ` +
        'Take the files of the snapshot as they are with: modelfn snapshots restore <snapshot> --to <folder>',
      { details: { adapter, format } },
    );
  }
}
