import { isWithin, realPathOf } from './contained-path.ts';

/** Folders of this machine that specs and calls may name. All paths are absolute. */
export interface LocalRoots {
  /** A named folder must lie in one of these. */
  allowed: readonly string[];
  /**
   * modelfn's own files: state folder and store. A named folder must neither lie in one of these nor contain one, even
   * below an allowed folder: they hold the data of every project.
   */
  private: readonly string[];
}

/** Returns true when specs and calls may name `path`, links followed. The path need not exist. */
export async function isAllowedPath(path: string, roots: LocalRoots): Promise<boolean> {
  if (await touchesPrivateFiles(path, roots)) return false;
  const real = await realPathOf(path);
  for (const root of roots.allowed) if (isWithin(await realPathOf(root), real)) return true;
  return false;
}

/** Returns true when `path`, links followed, lies in modelfn's own files or contains some of them. */
export async function touchesPrivateFiles(
  path: string,
  { private: own }: Pick<LocalRoots, 'private'>,
): Promise<boolean> {
  const real = await realPathOf(path);
  for (const folder of own) {
    const realFolder = await realPathOf(folder);
    if (isWithin(realFolder, real) || isWithin(real, realFolder)) return true;
  }
  return false;
}
