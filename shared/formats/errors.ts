import { ModelfnError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Loss } from './loss-report.ts';

/** A name that is no format. */
export class FormatMissing extends ModelfnError {
  override readonly name = 'FormatMissing';
  readonly code = 'FormatMissing';
  readonly statusCode = 400;
  constructor(format: string, known: readonly string[]) {
    super(`There is no annotation format ${JSON.stringify(format)}. Known: ${known.join(', ')}.`, {
      details: { format, known: [...known] },
    });
  }
}

/** A folder whose format cannot be detected: no format's files are in it, or those of several. */
export class FormatUnclear extends ModelfnError {
  override readonly name = 'FormatUnclear';
  readonly code = 'FormatUnclear';
  readonly statusCode = 422;
  constructor(found: readonly { name: string; evidence: string }[], known: readonly string[]) {
    const named = found.map(({ name, evidence }) => `${name} (${evidence})`).join(', ');
    super(
      found.length === 0
        ? `The folder holds no files of annotations that are known. Name its format, one of ${known.join(', ')}, and compare the files with docs/FORMATS.md.`
        : `The folder holds files of several formats: ${named}. Name the format to read.`,
      { details: { found: found.map((each) => ({ ...each })), known: [...known] } },
    );
  }
}

/** Files of a format, or pictures, were there, but not a single annotation. Nothing was written. */
export class NoLabelsFound extends ModelfnError {
  override readonly name = 'NoLabelsFound';
  readonly code = 'NoLabelsFound';
  readonly statusCode = 422;
  constructor(
    format: string,
    found: { annotationFiles: number; media: number },
    losses: readonly Loss[],
    detected = false,
  ) {
    const { annotationFiles, media } = found;
    const lost = losses
      .filter(({ how }) => how === 'dropped')
      .slice(0, 3)
      .map(({ type, field, count, example }) => `${type} ${field} (${count}, such as ${example})`);
    super(
      `0 labels were found as ${format}${detected ? ', the detected format' : ''}: in ${annotationFiles} files of annotations, beside ${media} other files. Nothing was written. ` +
        (lost.length > 0 ? `Left out while reading: ${lost.join(', ')}. ` : '') +
        'Check the folder and the format against docs/FORMATS.md; to take in the files without labels, allow it with allowUnlabelled (--allow-unlabelled).',
      {
        details: { format, annotationFiles, media, losses: losses.map((loss): JsonObject => ({ ...loss })) },
      },
    );
  }
}

/** A file that is not what its format says, or goes beyond what is taken from outside. Nothing of it was written yet. */
export class FormatUnreadable extends ModelfnError {
  override readonly name = 'FormatUnreadable';
  readonly code = 'FormatUnreadable';
  readonly statusCode = 422;
  constructor(format: string, path: string, problem: string, cause?: unknown) {
    super(
      `${JSON.stringify(path)} cannot be read as ${format}: ${problem}. Fix the file and convert again.`,
      {
        details: { format, path, problem },
        cause,
      },
    );
  }
}

/** Two items that would share one file of annotations. */
export class FormatNameClash extends ModelfnError {
  override readonly name = 'FormatNameClash';
  readonly code = 'FormatNameClash';
  readonly statusCode = 409;
  constructor(format: string, path: string) {
    super(
      `Two items differ in their extension alone, and ${format} has one file for both: ${JSON.stringify(path)}. Narrow the items by a filter, or rename one.`,
      { details: { format, path } },
    );
  }
}

/** A strict conversion that would lose something. Nothing was written. */
export class FormatLossRefused extends ModelfnError {
  override readonly name = 'FormatLossRefused';
  readonly code = 'FormatLossRefused';
  readonly statusCode = 422;
  constructor(format: string, losses: readonly Loss[]) {
    const named = losses.slice(0, 5).map(({ type, field, count }) => `${type} ${field} (${count})`);
    super(
      `${format} does not hold everything: ${named.join(', ')}${losses.length > 5 ? ' and more' : ''}. Nothing was written. Convert without strict to accept the loss, or choose another format.`,
      { details: { format, losses: losses.map((loss): JsonObject => ({ ...loss })) } },
    );
  }
}
