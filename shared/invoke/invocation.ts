import type { Actor } from '../auth/actor.ts';
import type { Execution } from '../entities/execution.ts';
import type { Json, JsonObject } from '../json.ts';

/** One call of a function, freed of its caller's shape. */
export interface Invocation {
  readonly functionName: string;
  /** Given: the run is claimed under it, and a repeated call answers what the first one did. */
  readonly executionId?: string | undefined;
  readonly input: JsonObject;
  /** The project the call is bound to. */
  readonly projectId?: string | undefined;
  readonly caller: 'http' | 'event' | 'pipeline' | 'cli';
  readonly actor: Actor;
  readonly pipeline?: Execution['pipeline'];
  readonly triggerId?: string | undefined;
  /** What a Dataloop client named as its service, or the service that was found. */
  readonly serviceId?: string | undefined;
  /** A reference to the service whose function is called; absent for a function of modelfn's own. */
  readonly serviceReference?: Json | undefined;
  /** Of the service that was found. */
  readonly service?: ServiceFacts | undefined;
  /** When the container will be stopped, ms since 1970. */
  readonly deadline?: number | undefined;
}

/** What an execution keeps of the service whose function it runs. */
export interface ServiceFacts {
  readonly packageId: string;
  readonly packageName: string;
  /** Version of the service. */
  readonly version: string;
  readonly maxAttempts: number;
}

/**
 * How a run ended. `replayed`: it had ended before, and this is what it answered then. `yielded`: it has not ended, the same
 * call again goes on with it; `output` tells so in the form a state machine looks at.
 */
export type Outcome = {
  readonly execution: Execution;
  readonly replayed: boolean;
  readonly yielded?: true;
} & (
  | { readonly output: JsonObject; readonly error?: undefined }
  | { readonly error: unknown; readonly output?: undefined }
);
