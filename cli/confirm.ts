import { Cancelled } from '../shared/errors.ts';
import { WrongUsage } from './errors.ts';
import type { CliIo } from './io.ts';
import type { OutputMode } from './output/print.ts';

/**
 * Has the person agree to what cannot be undone. `--yes` agrees beforehand; where there is nobody to ask, it is needed.
 * @throws WrongUsage, Cancelled
 */
export async function confirm(
  { io, mode }: { io: CliIo; mode: Pick<OutputMode, 'json'> },
  what: string,
  isAgreed: boolean | undefined,
): Promise<void> {
  if (isAgreed) return;
  if (io.ask === undefined || mode.json)
    throw new WrongUsage(`This will ${what}, which cannot be undone. Add --yes to do it.`);
  const answer = await io.ask(`This will ${what}, which cannot be undone. Go on? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new Cancelled('The command', 'it was not confirmed');
}
