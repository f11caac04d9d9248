/** A smooth function of many numbers. */
export interface Objective {
  readonly size: number;
  /** The value at `parameters`; its slope is written into `gradient`. */
  evaluate(parameters: Float64Array, gradient: Float64Array): number;
}

/** All that the next step depends on. */
export interface LbfgsState {
  iteration: number;
  value: number;
  readonly parameters: Float64Array;
  readonly gradient: Float64Array;
  /** Steps and changes of the slope of the last iterations, oldest first; at most `MEMORY`. */
  readonly steps: Float64Array[];
  readonly changes: Float64Array[];
}

const MEMORY = 10;
/** Part of the descent the slope promises that a step must bring (Armijo). */
const DESCENT = 1e-4;
const MOST_HALVINGS = 40;

/**
 * Minimises by L-BFGS (J. Nocedal, S. Wright, "Numerical Optimization", algorithm 7.4) with steps that are halved until the
 * value falls. No randomness: the same objective gives the same bits, wherever it was stopped between two steps.
 */
export class Lbfgs {
  readonly state: LbfgsState;
  readonly #objective: Objective;

  /** Begins at zero, or goes on from a state. */
  constructor(objective: Objective, state?: LbfgsState) {
    this.#objective = objective;
    this.state = state ?? begin(objective);
  }

  /** Largest part of the slope: 0 at the optimum. */
  get slope(): number {
    return this.state.gradient.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  }

  /** One iteration, an evaluation or a few. False when no step brings the value down: as good as numbers can tell. */
  step(): boolean {
    const { state } = this;
    const { parameters, gradient, steps, changes } = state;
    const direction = this.#direction();
    const promised = product(gradient, direction);
    if (!(promised < 0)) return false;
    const next = new Float64Array(parameters.length);
    const slope = new Float64Array(parameters.length);
    let length = steps.length === 0 ? Math.min(1, 1 / Math.sqrt(product(gradient, gradient))) : 1;
    for (let halvings = 0; halvings < MOST_HALVINGS; halvings += 1, length /= 2) {
      for (let index = 0; index < next.length; index += 1)
        next[index] = parameters[index]! + length * direction[index]!;
      const value = this.#objective.evaluate(next, slope);
      if (!(value <= state.value + DESCENT * length * promised)) continue;
      const step = next.map((each, index) => each - parameters[index]!);
      const change = slope.map((each, index) => each - gradient[index]!);
      // A pair without curvature would spoil the picture of the valley.
      if (product(step, change) > 1e-12 * product(change, change)) {
        steps.push(step);
        changes.push(change);
        if (steps.length > MEMORY) {
          steps.shift();
          changes.shift();
        }
      }
      const isLower = value < state.value;
      parameters.set(next);
      gradient.set(slope);
      state.value = value;
      state.iteration += 1;
      return isLower;
    }
    return false;
  }

  #direction(): Float64Array {
    const { gradient, steps, changes } = this.state;
    const direction = gradient.map((each) => -each);
    const shares: number[] = [];
    for (let index = steps.length - 1; index >= 0; index -= 1) {
      const share = product(steps[index]!, direction) / product(steps[index]!, changes[index]!);
      shares[index] = share;
      add(direction, changes[index]!, -share);
    }
    const [step, change] = [steps.at(-1), changes.at(-1)];
    if (step && change) {
      const scale = product(step, change) / product(change, change);
      for (let index = 0; index < direction.length; index += 1) direction[index]! *= scale;
    }
    for (let index = 0; index < steps.length; index += 1) {
      const share = product(changes[index]!, direction) / product(steps[index]!, changes[index]!);
      add(direction, steps[index]!, shares[index]! - share);
    }
    return direction;
  }
}

function begin(objective: Objective): LbfgsState {
  const parameters = new Float64Array(objective.size);
  const gradient = new Float64Array(objective.size);
  const value = objective.evaluate(parameters, gradient);
  return { iteration: 0, value, parameters, gradient, steps: [], changes: [] };
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += a[index]! * b[index]!;
  return sum;
}

function add(target: Float64Array, what: Float64Array, factor: number): void {
  for (let index = 0; index < target.length; index += 1) target[index]! += factor * what[index]!;
}
