/** A process of its own: the real predict handler on the environment's state folder and store, which may be the death of it. */
import { predictFunction } from '../../../functions/predict/predict.ts';
import { readConfig } from '../../../shared/config.ts';
import { createHandler } from '../../../shared/invoke/handler.ts';
import type { Log } from '../../../shared/log.ts';
import { openPlatform } from '../../../shared/open-platform.ts';
import { openStore } from '../../../shared/store/registry.ts';
import { type Death, dyingStore } from './dying-store.ts';
import { parityAdapters } from './parity-adapter.ts';

/** One batch to work on. `spared`: the process survives it. */
export interface BatchMessage {
  batch: { Records: object[] };
  spared: boolean;
}

/** How a batch ended: the message ids that failed, and the code of every failure. */
export interface BatchAnswer {
  failed: string[];
  codes: string[];
}

const [death = 'null'] = process.argv.slice(2);
let spared = true;
let codes: string[] = [];
const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message) => codes.push(message),
  error: (_message, fields) => codes.push(String(fields?.code)),
};
const handler = createHandler(predictFunction, parityAdapters, async () => {
  const config = readConfig();
  const store = await openStore({ address: config.store! });
  return openPlatform(config, {
    log,
    store: dyingStore(store, JSON.parse(death) as Death | undefined, () => spared),
  });
});

process.on('disconnect', () => process.exit());
process.on('message', async (message: BatchMessage) => {
  codes = [];
  spared = message.spared;
  const { batchItemFailures } = (await handler(message.batch)) as {
    batchItemFailures: { itemIdentifier: string }[];
  };
  const answer: BatchAnswer = { failed: batchItemFailures.map((each) => each.itemIdentifier), codes };
  process.send!(answer);
});
