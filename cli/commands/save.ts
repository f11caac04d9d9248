import type { Command } from 'commander';
import { artifactFolder } from '../../shared/catalog/artifact-folder.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import type { JsonObject } from '../../shared/json.ts';
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
      .option('--bucket <bucket>', "local, item, or JSON, or @file; the snapshot's own when missing")
      .action(onSession(io, save)),
    'modelfn save rbf --directory ./weights',
    'modelfn save rbf --from-snapshot rbf --bucket item',
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
  const spec = isWord(options.bucket)
    ? undefined
    : await jsonObjectOption(session.io, '--bucket', options.bucket);
  const snapshot = await find(session, 'Snapshot', reference);
  const bucket = isWord(options.bucket) ? await newBucket(session, options.bucket, snapshot) : spec;
  const folder = directory === undefined ? undefined : await localRoot(session, directory);
  const inputs: JsonObject = {
    snapshot: snapshot.id,
    ...(folder !== undefined && { directory: folder }),
    ...(fromSnapshot !== undefined && { fromSnapshot: (await find(session, 'Snapshot', fromSnapshot)).id }),
    ...(execution !== undefined && { execution }),
    ...(bucket && { bucket }),
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

const WORDS = ['local', 'item'] as const;

function isWord(text: string | undefined): text is (typeof WORDS)[number] {
  return WORDS.some((word) => word === text);
}

/** The snapshot's own bucket of a type: its folder of the state folder, or one of the project's Binaries. */
async function newBucket(
  { platform, actor }: Session,
  type: (typeof WORDS)[number],
  { id, projectId, modelId }: Snapshot,
): Promise<JsonObject> {
  if (type === 'local') return { type };
  const path = `/models/${modelId}/snapshots/${id}`;
  return { type, itemId: await artifactFolder(platform, actor, projectId, path) };
}
