/** Type of a port, as docs/WIRE.md, Inputs and outputs has it. */
export interface FunctionPort {
  readonly type: string;
  readonly required?: true;
}

/** What a node of a function takes and answers. `output` is everything that the function answered. */
export interface FunctionPorts {
  readonly inputs: Readonly<Record<string, FunctionPort>>;
  readonly outputs: Readonly<Record<string, FunctionPort>>;
}

const SNAPSHOT = { type: 'Snapshot', required: true } as const;
const JSON_PORT = { type: 'Json' } as const;

/**
 * The functions of modelfn's own that a pipeline may call; those of services declare theirs. The inputs are those of each function's own specification, which a test
 * compares: functions stand above pipelines and are not imported here.
 */
export const FUNCTION_PORTS: Readonly<Record<string, FunctionPorts>> = {
  train: {
    inputs: {
      snapshot: SNAPSHOT,
      dataset: { type: 'Dataset' },
      filter: JSON_PORT,
      seed: { type: 'Integer' },
      maxUnreadableShare: { type: 'Number' },
    },
    outputs: { snapshot: { type: 'Snapshot' }, metrics: JSON_PORT, weights: JSON_PORT, output: JSON_PORT },
  },
  predict: {
    inputs: {
      snapshot: SNAPSHOT,
      items: { type: 'Item[]' },
      item: { type: 'Item' },
      write: { type: 'Boolean' },
      minConfidence: { type: 'Number' },
      revision: { type: 'Integer' },
    },
    outputs: {
      snapshot: { type: 'Snapshot' },
      items: { type: 'Integer' },
      annotations: { type: 'Integer' },
      predictions: JSON_PORT,
      output: JSON_PORT,
    },
  },
  evaluate: {
    inputs: {
      snapshot: SNAPSHOT,
      dataset: { type: 'Dataset' },
      partition: { type: 'String' },
      filter: JSON_PORT,
      predict: { type: 'Boolean' },
      iou: { type: 'Number' },
      confidence: { type: 'Number' },
      maxUnreadableShare: { type: 'Number' },
    },
    outputs: { snapshot: { type: 'Snapshot' }, metrics: JSON_PORT, output: JSON_PORT },
  },
  convert: {
    inputs: {
      snapshot: { type: 'Snapshot' },
      dataset: { type: 'Dataset' },
      partition: { type: 'String' },
      filter: JSON_PORT,
      bucket: JSON_PORT,
      from: JSON_PORT,
      folder: { type: 'String' },
      format: { type: 'String' },
      strict: { type: 'Boolean' },
      media: { type: 'Boolean' },
      allowUnlabelled: { type: 'Boolean' },
      areas: { type: 'String' },
      spreadsheetSafe: { type: 'Boolean' },
      maxUnreadableShare: { type: 'Number' },
    },
    outputs: { snapshot: { type: 'Snapshot' }, bucket: JSON_PORT, output: JSON_PORT },
  },
  load: {
    inputs: { snapshot: SNAPSHOT, fresh: { type: 'Boolean' }, revision: { type: 'Integer' } },
    outputs: { snapshot: { type: 'Snapshot' }, labels: JSON_PORT, output: JSON_PORT },
  },
  save: {
    inputs: {
      snapshot: SNAPSHOT,
      directory: { type: 'String' },
      execution: { type: 'Execution' },
      fromSnapshot: { type: 'Snapshot' },
      fromBucket: JSON_PORT,
      bucket: JSON_PORT,
    },
    outputs: { snapshot: { type: 'Snapshot' }, weights: JSON_PORT, output: JSON_PORT },
  },
};

const NUMBERS = ['Number', 'Float'];

/** Whether a value of one type may enter a port of another: Json takes all, a list takes one, a Number an Integer. */
export function fits(from: string, to: string): boolean {
  if (from === to || to === 'Json' || to === `${from}[]`) return true;
  return NUMBERS.includes(to) && (from === 'Integer' || NUMBERS.includes(from));
}
