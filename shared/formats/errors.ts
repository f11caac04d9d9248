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

/** A file that is not what its format says, or goes beyond what is taken from outside. Nothing of it was written yet. */
export class FormatUnreadable extends ModelfnError {
  override readonly name = 'FormatUnreadable';
  readonly code = 'FormatUnreadable';
  readonly statusCode = 422;
  constructor(format: string, path: string, problem: string, cause?: unknown) {
    super(
      `${JSON.stringify(path)} cannot be read as ${format}: ${problem}. Mend the file and convert again.`,
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
