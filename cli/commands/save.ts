import type { Command } from 'commander';
import type { Json, JsonObject } from '../../shared/json.ts';
import { type Answer, onSession, withExamples } from '../command.ts';
import { WrongUsage } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { localRoot } from '../local-root.ts';
import { jsonObjectOption } from '../options.ts';
import { part, parts } from '../output/parts.ts';
import { countText, sizeText } from '../output/units.ts';
import { find } from '../references.ts';
import { runFunction } from '../run-function.ts';
import type { Session } from '../session.ts';

/** `modelfn save`. */
export function registerSave(program: Command, io: CliIo): void {
  withExamples(
    program
      .command('save')
      .description("Commit files as the snapshot's next revision of weights.")
      .argument('<snapshot>', 'id or name of the snapshot that gets the weights')
      .option('--directory <folder>', 'a folder of this machine')
      .option(
        '--from-snapshot <snapshot>',
        'the current weights of another snapshot; itself, to move buckets',
      )
      .option('--execution <id>', 'what a finished execution of train, save or convert put out')
      .option('--bucket <json>', `bucket to save to, as JSON or @file; the snapshot's own when missing`)
      .action(onSession(io, save)),
    'modelfn save rbf --directory ./weights',
    `modelfn save rbf --from-snapshot rbf --bucket '{"type": "local", "localPath": "/models/rbf"}'`,
  );
}

interface SaveOptions {
  directory?: string;
  fromSnapshot?: string;
  execution?: string;
  bucket?: string;
}

async function save(session: Session, reference: string, options: SaveOptions): Promise<Answer> {
  const { directory, fromSnapshot, execution } = options;
  const given = [directory, fromSnapshot, execution].filter((source) => source !== undefined);
  if (given.length !== 1)
    throw new WrongUsage('Say what to save: one of --directory, --from-snapshot and --execution.');
  const bucket = await jsonObjectOption(session.io, '--bucket', options.bucket);
  const snapshot = await find(session, 'Snapshot', reference);
  const folder = directory === undefined ? undefined : await localRoot(session, directory);
  const inputs: JsonObject = {
    snapshot: snapshot.id,
    ...(folder !== undefined && { directory: folder }),
    ...(fromSnapshot !== undefined && { fromSnapshot: (await find(session, 'Snapshot', fromSnapshot)).id }),
    ...(execution !== undefined && { execution }),
    ...(bucket && { bucket: bucket as Json }),
  };
  const localRoots = folder === undefined ? [] : [folder];
  const { output, executionId } = await runFunction(session, 'save', inputs, { localRoots });
  const weights = part(output, 'weights');
  const files = countText(parts(weights, 'files').length, 'file');
  return {
    json: { ...output, executionId },
    text: `Saved ${files}, ${sizeText(Number(weights.sizeBytes))}, as revision ${part(output, 'snapshot').revision} of ${snapshot.name}.`,
  };
}
