import type { Command } from 'commander';
import { type Answer, onSession, withExamples } from '../command.ts';
import type { CliIo } from '../io.ts';
import { wholeOption } from '../options.ts';
import { part, parts } from '../output/parts.ts';
import { fields } from '../output/table.ts';
import { countText, durationText, sizeText } from '../output/units.ts';
import { find } from '../references.ts';
import { runFunction } from '../run-function.ts';
import type { Session } from '../session.ts';

/** `modelfn load`. */
export function registerLoad(program: Command, io: CliIo): void {
  withExamples(
    program
      .command('load')
      .description('Load a snapshot from its bucket, every file verified, and tell what it is.')
      .argument('<snapshot>', 'id or name')
      .option('--revision <number>', 'an earlier revision; the current one when missing', wholeOption)
      .action(onSession(io, load)),
    'modelfn load rbf',
  );
}

async function load(
  session: Session,
  reference: string,
  { revision }: { revision?: number },
): Promise<Answer> {
  const snapshot = await find(session, 'Snapshot', reference);
  const { output, executionId } = await runFunction(session, 'load', {
    snapshot: snapshot.id,
    ...(revision !== undefined && { revision }),
  });
  const model = part(output, 'model');
  const labels = Array.isArray(output.labels) ? output.labels : [];
  return {
    json: { ...output, executionId },
    text: fields([
      ['snapshot', `${snapshot.name}, revision ${part(output, 'snapshot').revision}`],
      ['model', `${model.name} (${model.entryPoint}, ${model.className})`],
      ['code', String(output.codeDigest)],
      ['files', `${countText(parts(output, 'files').length, 'file')}, ${sizeText(Number(output.sizeBytes))}`],
      ['manifest', output.manifestSha256 === null ? null : String(output.manifestSha256)],
      ['labels', labels.join(', ')],
      ['configuration', JSON.stringify(output.configuration)],
      ['loaded in', durationText(Number(part(output, 'timings').totalMs))],
    ]),
  };
}
