import type { EntityKinds } from '../entities/kinds.ts';
import type { Json, JsonObject } from '../json.ts';
import type { ReferenceKind } from '../resolve/reference.ts';
import type { Invocation } from './invocation.ts';
import type { Container, Run } from './run.ts';
import type { Yielded } from './yielded.ts';

/** Types of plain inputs, by the platform's names (docs/WIRE.md, Inputs and outputs). */
interface PlainTypes {
  String: string;
  Number: number;
  Integer: number;
  Float: number;
  Boolean: boolean;
  Json: Json;
}
export type PlainType = keyof PlainTypes;
export type InputType = ReferenceKind | `${ReferenceKind}[]` | PlainType | `${PlainType}[]`;

/** One input of a function: the same words that resolve it and that document it. */
export interface InputSpec {
  readonly type: InputType;
  readonly description: string;
  /** A call without it is refused. Default false. */
  readonly required?: boolean;
  /** Taken when a call does not give it. */
  readonly default?: Json;
  /** Bounds of a number. */
  readonly least?: number;
  readonly most?: number;
  /** The words a String may be. */
  readonly oneOf?: readonly string[];
}
export type InputSpecs = Readonly<Record<string, InputSpec>>;

type Value<T extends InputType> = T extends `${infer K extends ReferenceKind}[]`
  ? readonly Readonly<EntityKinds[K]>[]
  : T extends `${infer P extends PlainType}[]`
    ? readonly PlainTypes[P][]
    : T extends ReferenceKind
      ? Readonly<EntityKinds[T]>
      : T extends PlainType
        ? PlainTypes[T]
        : never;

/** The inputs a function is run with: entities in place of references, plain values checked. */
export type Inputs<S extends InputSpecs> = {
  readonly [N in keyof S]: S[N] extends { required: true } | { default: Json }
    ? Value<S[N]['type']>
    : Value<S[N]['type']> | undefined;
};

/**
 * One function: its name, what it takes, and what it does. Callers, executions, resolution and documentation all
 * derive from it; `run` holds no word of HTTP, events or pipelines.
 */
export interface FunctionSpec<S extends InputSpecs = InputSpecs> {
  readonly name: string;
  readonly description: string;
  readonly inputs: S;
  /**
   * `inPlace`: answers over HTTP when it is done. `background`: may take longer than an HTTP request lives; over HTTP it
   * answers 202 with the execution to poll.
   */
  readonly mode: 'inPlace' | 'background';
  /** How often and how long one run is tried here. Without it, who delivers a call decides whether it comes again. */
  readonly limits?: RunLimits;
  /**
   * One bundle runs the functions of all services: the function that a call means, and the call with what is known of its
   * service. The bundle's own `inputs` and `run` are never used then.
   * @throws EntityNotFound, UnknownFunction, ServiceStopped, InvalidInput for a call that names no service
   */
  target?(container: Container, call: Invocation): Promise<Target>;
  /** `Yielded`: the time is up and the work is not done; the same call again goes on with it. For background functions. */
  run(inputs: Inputs<S>, run: Run): Promise<JsonObject | Yielded>;
}

/** A function of a service, found. */
export interface Target {
  readonly spec: FunctionSpec;
  readonly call: Invocation;
}

export interface RunLimits {
  /** Milliseconds of one attempt. */
  readonly timeoutMs: number;
  /** What an attempt that took longer failed with. */
  timedOut(): Error;
}

/** Declares a function; the types of `run` follow from `inputs`. */
export function defineFunction<const S extends InputSpecs>(spec: FunctionSpec<S>): FunctionSpec<S> {
  return Object.freeze(spec);
}
