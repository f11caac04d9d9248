import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { trainSvm } from '../adapters/svm/engine/one-vs-one.ts';
import { Predictor } from '../adapters/svm/engine/predict.ts';
import { readConfig } from '../shared/config.ts';
import { messageOf } from '../shared/errors.ts';
import { type ReferenceName, referenceCase, referenceData } from '../test/adapters/svm/reference.ts';
import { markdownTable, shown, spreadOf } from './statistics.ts';

const CASES: Readonly<Record<ReferenceName, number>> = {
  iris: 60,
  wine: 60,
  breast_cancer: 60,
  digits: 25,
  fashion_over_255: 5,
};
const WARM_UP = 5;

/**
 * scikit-learn on the other end of a line: each case comes as numbers once, then every word asked for is answered by the
 * milliseconds it took there, measured there.
 */
const PEER = `
import json, sys, time
import numpy, sklearn
from sklearn.svm import SVC
print(json.dumps({'version': sklearn.__version__}), flush=True)
cases = {}
for line in sys.stdin:
    told = json.loads(line)
    if 'train' in told:
        cases[told['name']] = {k: numpy.array(told[k]) for k in ('train', 'labels', 'test')} | {'C': told['C'], 'gamma': told['gamma']}
        print('{}', flush=True)
        continue
    case = cases[told['name']]
    began = time.perf_counter()
    model = SVC(C=case['C'], gamma=case['gamma']).fit(case['train'], case['labels'])
    trained = time.perf_counter()
    found = model.predict(case['test'])
    ended = time.perf_counter()
    print(json.dumps({'trainMs': (trained - began) * 1000, 'predictMs': (ended - trained) * 1000, 'predictions': found.tolist()}), flush=True)
`;

/** Training and prediction of the reference's five data sets, beside scikit-learn's SVC in a Python that has it. */
export async function svmBesideScikitLearn(): Promise<string> {
  const title = '## SVM beside scikit-learn';
  const command = process.env.TEST_SKLEARN ?? readConfig().python.command;
  let peer: Peer;
  try {
    peer = await openPeer(command);
  } catch (error) {
    return `${title}\n\nNot measured: ${command} has no scikit-learn (${messageOf(error)}). TEST_SKLEARN names a Python that has it.`;
  }
  try {
    const rows: string[][] = [];
    for (const [name, rounds] of Object.entries(CASES))
      rows.push(await measure(peer, name as ReferenceName, rounds));
    return [
      title,
      `Milliseconds, RBF kernel, median and middle half of interleaved rounds, each side with its own clock; scikit-learn ${peer.version} with the threads it takes. All predictions are the same. Aim: training at most 1.5 times scikit-learn's, prediction at most 1.`,
      markdownTable(['data', 'train', 'scikit-learn', 'ratio', 'predict', 'scikit-learn', 'ratio'], rows),
    ].join('\n\n');
  } finally {
    await peer.close();
  }
}

async function measure(peer: Peer, name: ReferenceName, rounds: number): Promise<string[]> {
  const { C, gamma, classes } = referenceCase(name);
  const { train, test } = referenceData(name);
  await peer.ask({
    name,
    C,
    gamma,
    train: rowsOf(train.samples),
    labels: [...Array.from(train.classIndices)],
    test: rowsOf(test),
  });
  const times = {
    train: [] as number[],
    predict: [] as number[],
    trainThere: [] as number[],
    predictThere: [] as number[],
  };
  for (let round = -Math.min(WARM_UP, rounds); round < rounds; round += 1) {
    const began = performance.now();
    const model = trainSvm(train, { kernel: { kind: 'rbf', gamma }, cost: C });
    const trained = performance.now();
    const { classIndex } = new Predictor(model).predict(test);
    const ended = performance.now();
    const { trainMs, predictMs, predictions } = await peer.ask({ name });
    if ((predictions as number[]).some((each, row) => each !== classIndex[row]))
      throw new Error(`scikit-learn predicts ${name} otherwise, over classes ${classes.join(', ')}`);
    if (round < 0) continue;
    times.train.push(trained - began);
    times.predict.push(ended - trained);
    times.trainThere.push(Number(trainMs));
    times.predictThere.push(Number(predictMs));
  }
  const [own, ownPredict, there, predictThere] = [
    times.train,
    times.predict,
    times.trainThere,
    times.predictThere,
  ].map(spreadOf);
  const digits = own!.median < 10 ? 2 : 0;
  return [
    `${name}: ${train.samples.rows} x ${train.samples.dims}, ${test.rows} predicted`,
    shown(own!, digits),
    shown(there!, digits),
    (own!.median / there!.median).toFixed(2),
    shown(ownPredict!, 2),
    shown(predictThere!, 2),
    (ownPredict!.median / predictThere!.median).toFixed(2),
  ];
}

function rowsOf({
  rows,
  dims,
  values,
}: {
  rows: number;
  dims: number;
  values: ArrayLike<number>;
}): number[][] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: dims }, (_, c) => values[row * dims + c]!),
  );
}

interface Peer {
  readonly version: string;
  ask(message: object): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

async function openPeer(command: string): Promise<Peer> {
  const child = spawn(command, ['-c', PEER], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`it ended with code ${code}`)));
  });
  failed.catch(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value } = await Promise.race([lines.next(), failed]);
    if (value === undefined) await failed;
    return JSON.parse(value as string) as Record<string, unknown>;
  };
  const { version } = await answer();
  return {
    version: String(version),
    ask(message) {
      (child as ChildProcess).stdin!.write(`${JSON.stringify(message)}\n`);
      return answer();
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
