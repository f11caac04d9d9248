import { FormatUnclear } from './errors.ts';
import type { FormatFiles } from './format.ts';
import { FORMAT_NAMES, type FormatName, openFormat } from './registry.ts';

export interface DetectedFormat {
  name: FormatName;
  /** Reason for the choice, in words for people. */
  evidence: string;
}

/** Finds the one format whose files a folder holds. @throws FormatUnclear when there is none, or more than one */
export async function detectFormat(files: FormatFiles): Promise<DetectedFormat> {
  const found: DetectedFormat[] = [];
  for (const name of FORMAT_NAMES) {
    const { evidence } = await (await openFormat(name)).survey(files);
    if (evidence !== undefined) found.push({ name, evidence });
  }
  const [only] = found;
  if (only === undefined || found.length > 1) throw new FormatUnclear(found, FORMAT_NAMES);
  return only;
}
