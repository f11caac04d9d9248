/** The version that everything begins with. */
export const FIRST_VERSION = '1.0.0';

/** The patch version goes up by one. */
export function afterVersion(version: string): string {
  const [major = '1', minor = '0', patch = '0'] = version.split('.');
  return `${major}.${minor}.${Number(patch) + 1}`;
}
