import type { Json, JsonObject } from '../json.ts';

/**
 * The part of Amazon States Language that our state machines use, with JSONata throughout. A text `{% ... %}` anywhere
 * in a value is an expression. https://states-language.net/spec.html
 */
export interface Machine {
  Comment?: string;
  QueryLanguage?: 'JSONata';
  StartAt: string;
  States: Readonly<Record<string, State>>;
}

export type State =
  | TaskState
  | PassState
  | ChoiceState
  | MapState
  | ParallelState
  | WaitState
  | FailState
  | SucceedState;

interface Common {
  Comment?: string;
  Output?: Json;
  Assign?: JsonObject;
}
interface Going extends Common {
  Next?: string;
  End?: true;
}
interface Failing extends Going {
  Retry?: readonly Retrier[];
  Catch?: readonly Catcher[];
}

export interface TaskState extends Failing {
  Type: 'Task';
  Resource: string;
  Arguments?: Json;
  TimeoutSeconds?: number;
}
export interface PassState extends Going {
  Type: 'Pass';
}
export interface ChoiceState extends Common {
  Type: 'Choice';
  Choices: readonly (Common & { Condition: string | boolean; Next: string })[];
  Default?: string;
}
export interface MapState extends Failing {
  Type: 'Map';
  Label?: string;
  Items?: Json;
  ItemSelector?: Json;
  ItemBatcher?: { MaxItemsPerBatch: number; BatchInput?: Json };
  MaxConcurrency?: number;
  ToleratedFailurePercentage?: number;
  ToleratedFailureCount?: number;
  ItemProcessor: Machine & { ProcessorConfig?: { Mode: 'INLINE' | 'DISTRIBUTED'; ExecutionType?: string } };
}
export interface ParallelState extends Failing {
  Type: 'Parallel';
  Arguments?: Json;
  Branches: readonly Machine[];
}
export interface WaitState extends Going {
  Type: 'Wait';
  Seconds?: number | string;
  Timestamp?: string;
}
export interface FailState {
  Type: 'Fail';
  Comment?: string;
  Error?: string;
  Cause?: string;
}
export interface SucceedState {
  Type: 'Succeed';
  Comment?: string;
  Output?: Json;
}

/** How often and when a failed state is tried again; the first one whose errors match counts. */
export interface Retrier {
  ErrorEquals: readonly string[];
  /** 1 when missing. */
  IntervalSeconds?: number;
  /** 3 when missing; 0: never. */
  MaxAttempts?: number;
  /** 2 when missing. */
  BackoffRate?: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: 'FULL' | 'NONE';
}

/** Where a failed state goes on. */
export interface Catcher {
  ErrorEquals: readonly string[];
  Next: string;
  Output?: Json;
  Assign?: JsonObject;
}
