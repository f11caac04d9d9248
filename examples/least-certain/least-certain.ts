import {
  type Dataset,
  type FunctionContext,
  type Item,
  type JsonObject,
  type LoadedModel,
  ServiceRunner,
} from 'modelfn';

/** What `modelfn.json` declares as the input of `pick`. */
interface PickInputs {
  dataset: Dataset;
  snapshot: LoadedModel;
  count: number;
  filter: JsonObject;
}

interface Picked {
  items: Item[];
  certainties: number[];
  seen: number;
}

/** Items predicted at a time: what is in memory does not grow with the dataset. */
const BATCH = 500;

/** Finds what is worth labelling next: the items of which a snapshot is least certain. */
export class LeastCertain extends ServiceRunner {
  async pick({ dataset, snapshot, count, filter }: PickInputs, context: FunctionContext): Promise<Picked> {
    let ranked: { item: Item; certainty: number }[] = [];
    let seen = 0;
    let batch: Item[] = [];
    const rank = async (): Promise<void> => {
      const { results, failed } = await snapshot.predict(batch);
      for (const { filename, message } of failed) context.log.warn(`${filename} is left out: ${message}`);
      for (const { item, predictions } of results)
        ranked.push({ item, certainty: Math.max(0, ...predictions.map(({ confidence }) => confidence)) });
      ranked = ranked.sort((a, b) => a.certainty - b.certainty).slice(0, count);
      seen += batch.length;
      batch = [];
      context.progress(50, `${seen} items predicted`);
    };
    for await (const item of context.items(dataset, filter)) {
      if (await isLabelled(item, context)) continue;
      batch.push(item);
      if (batch.length === BATCH) await rank();
    }
    await rank();
    for (const { item, certainty } of ranked)
      await context.updateMetadata(item, { user: { toLabel: true, certainty } });
    context.log.info(`${ranked.length} of ${seen} items are to be labelled`);
    return { items: ranked.map(({ item }) => item), certainties: ranked.map((each) => each.certainty), seen };
  }
}

/** True when a person said something about the item; predictions do not count. */
async function isLabelled(item: Item, context: FunctionContext): Promise<boolean> {
  if (!item.annotated) return false;
  return (await context.annotations(item)).some(({ metadata }) => !isPrediction(metadata));
}

function isPrediction({ user }: JsonObject): boolean {
  return typeof user === 'object' && user !== null && 'model' in user;
}
