import { realpath, stat } from 'node:fs/promises';
import { messageOf, systemCode } from '../shared/errors.ts';
import { PathUnusable } from './errors.ts';
import type { Session } from './session.ts';

/**
 * A folder that an argument opens to one run of a function, absolute and free of links: whoever types the path owns the
 * machine.
 * @throws PathUnusable
 */
export async function localRoot(session: Session, argument: string): Promise<string> {
  const advice = 'Give the path of a folder.';
  try {
    const folder = await realpath(session.path(argument));
    if (!(await stat(folder)).isDirectory()) throw new PathUnusable(argument, 'is no folder', advice);
    // Roots are handed to the function's process in one variable.
    if (folder.includes(':'))
      throw new PathUnusable(
        argument,
        'has a ":" in it',
        'Functions cannot be given such a folder; rename it.',
      );
    return folder;
  } catch (error) {
    if (error instanceof PathUnusable) throw error;
    const problem =
      systemCode(error) === 'ENOENT' ? 'is not there' : `cannot be opened (${messageOf(error)})`;
    throw new PathUnusable(argument, problem, advice, error);
  }
}
