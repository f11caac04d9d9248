import { VERSION } from '../../shared/version.ts';
import {
  DOUBLE,
  doubles,
  FLOAT,
  floats,
  INT64,
  int64s,
  type Message,
  node,
  onnxFile,
  port,
} from '../onnx-engine/onnx-writer.ts';
import type { SvmConfiguration } from './configuration.ts';
import { MAX_KERNEL_VALUE } from './engine/kernel-of-products.ts';
import { pairCountOf, type SvmModel } from './engine/svm-model.ts';
import { dimsOf, type FeatureSpace } from './features.ts';
import type { SvmWeights } from './weights.ts';

/** Domain of the operator that couples the pairs of more than two classes. */
const ML_DOMAIN = 'ai.onnx.ml';
/** Names of the model's inputs: pixels divided by 255, `[n, channels, height, width]`, or numbers, `[n, features]`. */
const IMAGE_INPUT = 'image';
const FEATURES_INPUT = 'features';

/**
 * A trained SVM as an ONNX file: scaling, standardisation, kernel, decisions, votes. Operators of opset 13, in 64 bits, so
 * that decisions are the adapter's to 1e-5; with probabilities of more than two classes also `ai.onnx.ml` SVMClassifier,
 * in 32 bits. Outputs:
 *
 * - `label` int64 [n]: index of the class most pairs voted for, of several the first;
 * - `decisions` float32 [n, pairs]: as `Predictions.decisions`;
 * - `confidences` float32 [n, k]: as `Predictions.confidences`, those of classes with as many votes as the label's cut to its own,
 *   so that the first of the largest is the label;
 * - `probabilities` float32 [n, k], where the model learned them.
 *
 * Metadata: `labels` and `features` as JSON, and `modelfn.configuration`: that of a model of the adapter `onnx`.
 */
export function svmAsOnnx({ model, facts }: SvmWeights, image: SvmConfiguration['image']): Uint8Array {
  const graph = new Graph();
  const features = preprocess(graph, facts, image.scale);
  const kernel = kernelValues(graph, model, features);
  const decisions = decide(graph, model, kernel);
  vote(graph, model.classCount, decisions);
  if (model.sigmoids) probabilities(graph, model, features, decisions);
  const { space, classes } = facts;
  return onnxFile({
    inputs: [inputOf(space)],
    outputs: outputsOf(model),
    nodes: graph.nodes,
    initializers: graph.constants,
    ...(usesMl(model) && { domains: { [ML_DOMAIN]: 1 } }),
    producer: ['modelfn', VERSION],
    metadata: {
      labels: JSON.stringify(classes),
      ...(space.kind === 'named' && { features: JSON.stringify(space.names) }),
      'modelfn.configuration': JSON.stringify(configurationOf(space, model)),
    },
  });
}

/** Nodes and constants one after the other, under names of their own. */
class Graph {
  readonly nodes: Message[] = [];
  readonly constants: Message[] = [];

  /** Adds an operator; the name of its output. */
  add(
    op: string,
    inputs: readonly string[],
    attributes: NonNullable<Parameters<typeof node>[3]>['attributes'] = {},
  ): string {
    const output = `${op.toLowerCase()}_${this.nodes.length}`;
    this.nodes.push(node(op, inputs, output, { attributes }));
    return output;
  }

  /** A constant of 64-bit numbers; one number has no dimensions. */
  numbers(values: number | ArrayLike<number>, dims?: readonly number[]): string {
    const name = `constant_${this.constants.length}`;
    const list = typeof values === 'number' ? [values] : values;
    this.constants.push(doubles(name, list, typeof values === 'number' ? [] : dims));
    return name;
  }

  /** Numbers of 32 bits, widened where they are used: half the size in the file. */
  singles(values: Float32Array, dims: readonly number[]): string {
    const name = `constant_${this.constants.length}`;
    this.constants.push(floats(name, values, dims));
    return this.cast(name, DOUBLE);
  }

  whole(values: readonly number[]): string {
    const name = `constant_${this.constants.length}`;
    this.constants.push(int64s(name, values.map(BigInt)));
    return name;
  }

  cast(input: string, type: number): string {
    return this.add('Cast', [input], { to: type });
  }

  /** Gives an output of the model its name. */
  output(input: string, name: string, type: number): void {
    this.nodes.push(node('Cast', [input], name, { attributes: { to: type } }));
  }
}

/** Features as the engine has them: [n, dims] of 64-bit numbers that 32 bits hold. */
function preprocess(graph: Graph, { space, standardisation }: SvmWeights['facts'], scale: number): string {
  let values: string;
  if (space.kind === 'image') {
    const rows = graph.add('Transpose', [IMAGE_INPUT], { perm: [0, 2, 3, 1] });
    const flat = graph.cast(graph.add('Flatten', [rows], { axis: 1 }), DOUBLE);
    values = graph.add('Mul', [flat, graph.numbers(255 / scale)]);
  } else values = graph.cast(FEATURES_INPUT, DOUBLE);
  if (standardisation) {
    const moved = graph.add('Sub', [values, graph.numbers(standardisation.mean)]);
    values = graph.add('Div', [moved, graph.numbers(standardisation.deviation)]);
  }
  return graph.cast(graph.cast(values, FLOAT), DOUBLE);
}

/** [n, support vectors] */
function kernelValues(graph: Graph, { kernel, dims, supportVectors }: SvmModel, features: string): string {
  const count = supportVectors.length / dims;
  const columns = new Float32Array(supportVectors.length);
  for (let s = 0; s < count; s++)
    for (let c = 0; c < dims; c++) columns[c * count + s] = supportVectors[s * dims + c]!;
  const products = graph.add('MatMul', [features, graph.singles(columns, [dims, count])]);
  if (kernel.kind === 'linear') return products;
  if (kernel.kind === 'rbf') {
    const own = graph.add('ReduceSum', [graph.add('Mul', [features, features]), graph.whole([1])]);
    const theirs = graph.numbers(squaredLengths(supportVectors, dims), [1, count]);
    const both = graph.add('Sub', [
      graph.add('Add', [own, theirs]),
      graph.add('Mul', [products, graph.numbers(2)]),
    ]);
    return graph.add('Exp', [graph.add('Mul', [both, graph.numbers(-kernel.gamma)])]);
  }
  const scaled = graph.add('Mul', [products, graph.numbers(kernel.gamma)]);
  const moved = graph.add('Add', [scaled, graph.numbers(kernel.coef0)]);
  if (kernel.kind === 'sigmoid') return graph.add('Tanh', [moved]);
  const powers = graph.add('Pow', [moved, graph.numbers(kernel.degree)]);
  return graph.add('Clip', [powers, graph.numbers(-MAX_KERNEL_VALUE), graph.numbers(MAX_KERNEL_VALUE)]);
}

/** [n, pairs]: for each class its support vectors' part of all pairs it is in, then both parts of a pair together. */
function decide(graph: Graph, model: SvmModel, kernel: string): string {
  const { classCount: k, supportPerClass, supportIndices, coefficients, rho } = model;
  const total = supportIndices.length;
  const parts: string[] = [];
  let start = 0;
  for (const count of supportPerClass) {
    const columns = new Float64Array(count * (k - 1));
    for (let s = 0; s < count; s++)
      for (let row = 0; row < k - 1; row++)
        columns[s * (k - 1) + row] = coefficients[row * total + start + s]!;
    const own = graph.add('Slice', [
      kernel,
      graph.whole([start]),
      graph.whole([start + count]),
      graph.whole([1]),
    ]);
    parts.push(graph.add('MatMul', [own, graph.numbers(columns, [count, k - 1])]));
    start += count;
  }
  const sums = graph.add('Concat', parts, { axis: 1 });
  const pairs = pairsOf(k);
  const first = graph.add('Gather', [sums, graph.whole(pairs.map(([i, j]) => i * (k - 1) + j - 1))], {
    axis: 1,
  });
  const second = graph.add('Gather', [sums, graph.whole(pairs.map(([i, j]) => j * (k - 1) + i))], {
    axis: 1,
  });
  const decisions = graph.add('Sub', [graph.add('Add', [first, second]), graph.numbers(rho)]);
  graph.output(decisions, 'decisions', FLOAT);
  return decisions;
}

/** The outputs `label` and `confidences`. */
function vote(graph: Graph, k: number, decisions: string): void {
  const one = graph.numbers(1);
  const won = graph.cast(graph.add('Greater', [decisions, graph.numbers(0)]), DOUBLE);
  const votes = perClass(graph, k, won, graph.add('Sub', [one, won]));
  const label = graph.add('ArgMax', [votes], { axis: 1, keepdims: 1 });
  const confidences =
    k === 2 ? confidencesOfTwo(graph, decisions) : confidencesOfMany(graph, k, decisions, votes);
  const ofLabel = graph.add('GatherElements', [confidences, label], { axis: 1 });
  graph.output(graph.add('Min', [confidences, ofLabel]), 'confidences', FLOAT);
  graph.output(graph.add('Squeeze', [label, graph.whole([1])]), 'label', INT64);
}

/** (1 + d / (1 + |d|)) / 2 and the rest. */
function confidencesOfTwo(graph: Graph, decisions: string): string {
  const one = graph.numbers(1);
  const size = graph.add('Add', [graph.add('Abs', [decisions]), one]);
  const share = graph.add('Add', [graph.add('Div', [decisions, size]), one]);
  const first = graph.add('Mul', [share, graph.numbers(0.5)]);
  return graph.add('Concat', [first, graph.add('Sub', [one, first])], { axis: 1 });
}

/** (v + s / (3 (|s| + 1)) + 1/3) / (k - 1/3), with v the votes of a class and s the sum of its decisions. */
function confidencesOfMany(graph: Graph, k: number, decisions: string, votes: string): string {
  const sums = perClass(graph, k, decisions, graph.add('Neg', [decisions]));
  const size = graph.add('Add', [graph.add('Abs', [sums]), graph.numbers(1)]);
  const share = graph.add('Div', [sums, graph.add('Mul', [size, graph.numbers(3)])]);
  const score = graph.add('Add', [graph.add('Add', [votes, share]), graph.numbers(1 / 3)]);
  return graph.add('Div', [score, graph.numbers(k - 1 / 3)]);
}

/** [n, k]: sums over the pairs of a class, of `first` where it comes first and of `second` where it comes second. */
function perClass(graph: Graph, k: number, first: string, second: string): string {
  const pairs = pairCountOf(k);
  const places = Array.from({ length: k }, (): number[] => []);
  for (const [pair, [i, j]] of pairsOf(k).entries()) {
    places[i]!.push(pair);
    places[j]!.push(pairs + pair);
  }
  const both = graph.add('Concat', [first, second], { axis: 1 });
  const own = graph.add('Gather', [both, graph.whole(places.flat())], { axis: 1 });
  const shaped = graph.add('Reshape', [own, graph.whole([-1, k, k - 1])]);
  return graph.add('ReduceSum', [shaped, graph.whole([2])], { keepdims: 0 });
}

/** The output `probabilities`. */
function probabilities(graph: Graph, model: SvmModel, features: string, decisions: string): void {
  if (usesMl(model)) {
    const { name, attributes } = classifierOf(model);
    const input = graph.cast(features, FLOAT);
    graph.nodes.push(
      node('SVMClassifier', [input], [`${name}_label`, 'probabilities'], { attributes, domain: ML_DOMAIN }),
    );
    return;
  }
  const one = graph.numbers(1);
  const [a, b] = model.sigmoids!;
  const exponent = graph.add('Add', [graph.add('Mul', [decisions, graph.numbers(a!)]), graph.numbers(b!)]);
  const whole = graph.add('Add', [graph.add('Exp', [exponent]), one]);
  const sure = graph.add('Clip', [
    graph.add('Div', [one, whole]),
    graph.numbers(1e-7),
    graph.numbers(1 - 1e-7),
  ]);
  const both = graph.add('Concat', [sure, graph.add('Sub', [one, sure])], { axis: 1 });
  graph.output(both, 'probabilities', FLOAT);
}

/** The whole machine in one operator, as ONNX-ML 1 has it. Its rho is what is added, not taken off. */
function classifierOf(model: SvmModel) {
  const { kernel, classCount, supportVectors, supportPerClass, coefficients, rho, sigmoids } = model;
  const gamma = kernel.kind === 'linear' ? 0 : kernel.gamma;
  const coef0 = 'coef0' in kernel ? kernel.coef0 : 0;
  const degree = kernel.kind === 'poly' ? kernel.degree : 0;
  const every = (place: number) => Float32Array.from(rho, (_, pair) => sigmoids![2 * pair + place]!);
  return {
    name: 'classifier',
    attributes: {
      classlabels_ints: Array.from({ length: classCount }, (_, index) => index),
      coefficients: Float32Array.from(coefficients),
      kernel_params: Float32Array.of(gamma, coef0, degree),
      kernel_type: kernel.kind.toUpperCase(),
      post_transform: 'NONE',
      prob_a: every(0),
      prob_b: every(1),
      rho: Float32Array.from(rho, (value) => -value),
      support_vectors: supportVectors,
      vectors_per_class: [...supportPerClass],
    },
  };
}

function usesMl({ sigmoids, classCount }: SvmModel): boolean {
  return sigmoids !== undefined && classCount > 2;
}

function inputOf(space: FeatureSpace): Message {
  return space.kind === 'image'
    ? port(IMAGE_INPUT, ['n', space.channels, space.height, space.width])
    : port(FEATURES_INPUT, ['n', dimsOf(space)]);
}

function outputsOf({ classCount, sigmoids }: SvmModel): Message[] {
  return [
    port('label', ['n'], INT64),
    port('decisions', ['n', pairCountOf(classCount)]),
    port('confidences', ['n', classCount]),
    ...(sigmoids ? [port('probabilities', ['n', classCount])] : []),
  ];
}

function configurationOf(space: FeatureSpace, { sigmoids }: SvmModel) {
  const outputs = sigmoids
    ? [{ name: 'probabilities', kind: 'probabilities' }]
    : [{ name: 'confidences', kind: 'scores' }];
  if (space.kind !== 'image') return { outputs };
  const { width, height, channels } = space;
  return { input: { width, height, channels, layout: 'NCHW', fit: 'fill' }, outputs };
}

function pairsOf(k: number): [number, number][] {
  const pairs: [number, number][] = [];
  for (let i = 0; i < k; i++) for (let j = i + 1; j < k; j++) pairs.push([i, j]);
  return pairs;
}

function squaredLengths(vectors: Float32Array, dims: number): Float64Array {
  const lengths = new Float64Array(vectors.length / dims);
  for (let at = 0; at < vectors.length; at++) lengths[Math.floor(at / dims)]! += vectors[at]! ** 2;
  return lengths;
}
