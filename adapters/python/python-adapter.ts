import { join } from 'node:path';
import { deepFreeze } from '../../shared/json.ts';
import type { HostedCode } from '../built-in-adapters.ts';
import {
  type AdapterSetup,
  type ConvertedItem,
  type ItemInput,
  type LayoutReader,
  type LayoutWriter,
  ModelAdapter,
  type ModelAdapterClass,
  type PartitionData,
  type PredictContext,
  type Prediction,
  type TrainContext,
  type TrainingData,
  type TrainResult,
} from '../model-adapter.ts';
import type { PythonSample } from './hand-over.ts';
import { inferRequirements } from './infer-requirements.ts';
import { findInterpreter } from './interpreter.ts';
import { itemOf } from './layout.ts';
import { secretVariables } from './process-environment.ts';
import { type OpenSession, ProcessHolder } from './process-holder.ts';
import { assertOffers, assertUsable, readSource } from './read-source.ts';
import { openSession, type Session } from './session.ts';
import { pythonFor } from './virtual-environment.ts';

/** A process that was started to ask what the adapter is waits so long for an instance that takes it. */
const SPARE_MS = 30_000;

/** Ends the process of an adapter that was dropped without `unload`. */
const abandoned = new FinalizationRegistry<ProcessHolder>((holder) => void holder.end());

/**
 * A class that runs the Python code. Its sources are read, its requirements installed, and it is imported once to see what it
 * offers; that process serves the first instance.
 * @throws PythonMissing, PythonVersionMissing, AdapterSecretRefused, PythonRequirementRefused, PythonRequirementsFailed,
 * PythonAdapterUnusable, PythonDied, AdapterMethodMissing
 */
export async function hostPython(code: HostedCode, signal?: AbortSignal): Promise<ModelAdapterClass> {
  const { environment = {}, onInstall } = code;
  // A secret that is missing is reported before minutes of installing.
  secretVariables(code);
  const interpreter = await findInterpreter(code.python, { version: environment.python, signal });
  const source = await readSource(code, interpreter, signal);
  assertUsable(source, code);
  const { executable: python, lock } = await pythonFor(code.directory, {
    interpreter,
    inferred: (requirements) => inferRequirements(source, requirements),
    settings: code.python,
    wanted: environment,
    cacheDirectory: join(code.cacheDirectory, 'python'),
    signal,
    onLine: onInstall ?? ((line) => code.log.info(`install: ${line}`)),
  });
  const session = await openSession(code, python, signal);
  const { description } = session;
  try {
    assertOffers(code.entryPoint, description.methods, code.needs ?? []);
  } catch (error) {
    await session.end();
    throw error;
  }
  const spare = new Spare(session);
  const open: OpenSession = (over) => spare.take() ?? openSession(code, python, over);
  const can = new Set(description.methods);
  const assertCan = (method: string) => assertOffers(code.entryPoint, description.methods, [method]);

  return class PythonAdapter extends ModelAdapter<PythonSample> {
    static override readonly defaults = deepFreeze(description.defaults);
    static override readonly inputType = description.inputType;
    static override readonly outputType = description.outputType;
    static readonly methods = description.methods;
    static readonly replacesConfiguration = description.replacesConfiguration;
    static readonly runtime = deepFreeze({ ...lock });

    override readonly maxBatchSize = description.maxBatchSize;
    readonly #holder: ProcessHolder;

    constructor(setup: AdapterSetup) {
      super(setup);
      this.#holder = new ProcessHolder(code, open, setup, can.has('load'));
      abandoned.register(this, this.#holder, this);
    }

    async prepare(input: ItemInput): Promise<PythonSample> {
      return { item: itemOf(input.item), bytes: await input.bytes() };
    }

    async load(directory: string): Promise<void> {
      assertCan('load');
      this.memoryBytes = await this.#holder.load(directory);
    }

    async train(data: TrainingData<PythonSample>, context: TrainContext): Promise<TrainResult> {
      assertCan('train');
      return this.#holder.train(data, context);
    }

    async predict(samples: readonly PythonSample[], { signal }: PredictContext): Promise<Prediction[][]> {
      assertCan('predict');
      return samples.length === 0 ? [] : this.#holder.predict(samples, signal);
    }

    override expect(samples: readonly PythonSample[]): void {
      this.#holder.expect(samples);
    }

    async save(directory: string): Promise<void> {
      assertCan('save');
      await this.#holder.save(directory);
    }

    override async convert(data: PartitionData<PythonSample>, layout: LayoutWriter): Promise<void> {
      if (can.has('convert')) await this.#holder.convert(data, layout);
      else await super.convert(data, layout);
    }

    override async *convertBack(layout: LayoutReader): AsyncIterable<ConvertedItem> {
      if (can.has('convert_back')) yield* this.#holder.convertBack(layout);
      else if (can.has('convert')) assertCan('convert_back');
      else yield* super.convertBack(layout);
    }

    override async unload(): Promise<void> {
      abandoned.unregister(this);
      await this.#holder.end();
    }
  };
}

/** A session without an owner; ended when nobody takes it. */
class Spare {
  #session: Session | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(session: Session) {
    this.#session = session;
    this.#timer = setTimeout(() => void this.take()?.then((each) => each.end()), SPARE_MS).unref();
  }

  take(): Promise<Session> | undefined {
    const session = this.#session;
    this.#session = undefined;
    clearTimeout(this.#timer);
    return session?.child.isAlive ? Promise.resolve(session) : undefined;
  }
}
