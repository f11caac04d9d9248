import { ModelfnError } from '../errors.ts';

/** A path that the API does not have. */
export class RouteNotFound extends ModelfnError {
  override readonly name = 'RouteNotFound';
  readonly code = 'RouteNotFound';
  readonly statusCode = 404;
  constructor(method: string, path: string, near: string | undefined) {
    super(
      `There is no ${method} ${JSON.stringify(path.slice(0, 200))} in the API. The nearest is ${near ?? 'none'}.`,
      { details: { method, path: path.slice(0, 200), nearest: near ?? null } },
    );
  }
}

/** A path of the API, asked in a way that it does not answer. */
export class MethodNotAllowed extends ModelfnError {
  override readonly name = 'MethodNotAllowed';
  readonly code = 'MethodNotAllowed';
  readonly statusCode = 405;
  readonly allowed: readonly string[];
  constructor(method: string, path: string, allowed: readonly string[]) {
    super(
      `${method} is no way to ask for ${JSON.stringify(path.slice(0, 200))}. It takes ${allowed.join(', ')}.`,
      {
        details: { method, path: path.slice(0, 200), allowed: [...allowed] },
      },
    );
    this.allowed = allowed;
  }
}

/** A change that the adapter of a run may not make. */
export class NotForRuns extends ModelfnError {
  override readonly name = 'NotForRuns';
  readonly code = 'NotForRuns';
  readonly statusCode = 403;
  constructor(method: string, path: string) {
    super(
      `An adapter may not ask for ${method} ${JSON.stringify(path.slice(0, 200))}: it changes datasets, items, annotations, recipes, ontologies, models and snapshots of its run's project. Do this outside of the run.`,
      { details: { method, path: path.slice(0, 200) } },
    );
  }
}

/** A URL that is not well-formed. */
export class InvalidUrl extends ModelfnError {
  override readonly name = 'InvalidUrl';
  readonly code = 'InvalidUrl';
  readonly statusCode = 400;
  constructor(cause: unknown) {
    super('The URL of the request is not well-formed: percent signs must begin an escape of UTF-8, as %20.', {
      cause,
    });
  }
}
