import { setPartition, splitDataset } from '../../../shared/catalog/partitions.ts';
import { PARTITIONS, type Partition } from '../../../shared/entities/item.ts';
import type { Answer } from '../../command.ts';
import { WrongUsage } from '../../errors.ts';
import { jsonObjectOption } from '../../options.ts';
import { countText } from '../../output/units.ts';
import { find } from '../../references.ts';
import type { Session } from '../../session.ts';

interface PartitionOptions {
  train?: number;
  validation?: number;
  test?: number;
  seed?: number;
  set?: string;
  filter?: string;
}

/** Splits a dataset by shares, or puts the items of a filter into one partition. */
export async function partition(
  session: Session,
  reference: string,
  options: PartitionOptions,
): Promise<Answer> {
  const shares = [options.train, options.validation, options.test];
  const isSplit = shares.some((share) => share !== undefined);
  if (isSplit === (options.set !== undefined))
    throw new WrongUsage(
      'Give either shares, as in --train 0.8 --validation 0.1 --test 0.1, or --set with a partition.',
    );
  return isSplit ? split(session, reference, options) : assign(session, reference, options);
}

async function split(session: Session, reference: string, options: PartitionOptions): Promise<Answer> {
  if (options.filter !== undefined)
    throw new WrongUsage('--filter goes with --set; a split by shares takes all items.');
  const { train = 0, validation = 0, test = 0, seed = 0 } = options;
  if (Math.min(train, validation, test) < 0 || train + validation + test <= 0)
    throw new WrongUsage('Shares are numbers from 0, at least one of them above 0.');
  const dataset = await find(session, 'Dataset', reference);
  const shares = { train, validation, test, seed };
  const counts = await splitDataset(session.platform, session.actor, dataset.id, shares);
  return {
    json: { datasetId: dataset.id, seed, ...counts },
    text: `${dataset.name}: ${PARTITIONS.map((name) => `${counts[name]} ${name}`).join(', ')}.`,
  };
}

async function assign(session: Session, reference: string, options: PartitionOptions): Promise<Answer> {
  const wanted = readPartition('--set', options.set, ['none']);
  const filter = (await jsonObjectOption(session.io, '--filter', options.filter)) ?? {};
  const dataset = await find(session, 'Dataset', reference);
  const target = wanted === 'none' ? null : (wanted as Partition);
  const changed = await setPartition(session.platform, session.actor, dataset.id, filter, target);
  const where = target === null ? 'taken out of their partition' : `put into ${target}`;
  return {
    json: { datasetId: dataset.id, partition: target, changed },
    text: `${dataset.name}: ${countText(changed, 'item')} ${where}.`,
  };
}

/** The word of an option that names a partition. @throws WrongUsage */
export function readPartition(
  option: string,
  text: string | undefined,
  more: readonly string[] = [],
): string | undefined {
  const words = [...PARTITIONS, ...more];
  if (text === undefined || words.includes(text)) return text;
  throw new WrongUsage(`${option} takes ${words.join(', ')}, not ${JSON.stringify(text)}.`);
}
