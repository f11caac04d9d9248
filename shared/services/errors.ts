import { Conflict, ModelfnError, messageOf } from '../errors.ts';

/** A package's or service's name that breaks the rules. The first words are those that Dataloop's client looks for. */
export class InvalidName extends ModelfnError {
  override readonly name = 'InvalidName';
  readonly code = 'InvalidName';
  readonly statusCode = 400;
  constructor(kind: 'package' | 'service', name: string, problem: string) {
    super(
      `Invalid ${kind} name: ${JSON.stringify(name.slice(0, 100))}. ${problem} Take lower-case letters, digits and hyphens, with a letter first and no hyphen last.`,
      { details: { kind, name: name.slice(0, 100) } },
    );
  }
}

/** A package's or service's name that is taken in the project. */
export class NameTaken extends Conflict {
  override readonly name = 'NameTaken';
  constructor(kind: 'package' | 'service', name: string, projectId: string, cause?: unknown) {
    super(
      `There already is a ${kind} named ${JSON.stringify(name)} in project ${projectId}. Update it, or choose another name.`,
      { details: { kind, name, projectId }, cause },
    );
  }
}

/** A package that services run, or a service that triggers or pipelines call. Nothing was deleted. */
export class StillInUse extends Conflict {
  override readonly name = 'StillInUse';
  override readonly code = 'StillInUse';
  constructor(what: { kind: 'package' | 'service'; id: string; name: string }, users: readonly string[]) {
    super(
      `The ${what.kind} ${what.name} (${what.id}) is used by ${users.slice(0, 10).join(', ')}. Delete those first, or point them elsewhere.`,
      { details: { [what.kind]: what.id, users: users.slice(0, 100) } },
    );
  }
}

/** A service that was stopped: its functions run again when it is resumed. */
export class ServiceStopped extends ModelfnError {
  override readonly name = 'ServiceStopped';
  readonly code = 'ServiceStopped';
  readonly statusCode = 409;
  constructor(service: { id: string; name: string }) {
    super(
      `Service ${service.name} (${service.id}) is stopped. Resume it with: modelfn services resume ${service.name}.`,
      { details: { service: service.id } },
    );
  }
}

/** A version of a package that a service names and that is not kept any more, or never was. */
export class PackageVersionMissing extends ModelfnError {
  override readonly name = 'PackageVersionMissing';
  readonly code = 'PackageVersionMissing';
  readonly statusCode = 409;
  constructor(pkg: { id: string; name: string }, version: string, known: readonly string[]) {
    super(
      `Package ${pkg.name} has no version ${version.slice(0, 100)}. It has: ${known.slice(-10).join(', ')}. Deploy the service again with one of them.`,
      { details: { package: pkg.id, version: version.slice(0, 100), known: known.slice(-10) } },
    );
  }
}

/** Code of a package that cannot be used: no code, another language, a class or method that is not there. */
export class RunnerUnusable extends ModelfnError {
  override readonly name = 'RunnerUnusable';
  readonly code = 'RunnerUnusable';
  readonly statusCode = 422;
  constructor(where: string, problem: string, advice: string, cause?: unknown) {
    super(`${where} ${problem}. ${advice}`, { details: { where, problem }, cause });
  }
}

/** What a function of a service threw. */
export class FunctionFailed extends ModelfnError {
  override readonly name = 'FunctionFailed';
  readonly code = 'FunctionFailed';
  readonly statusCode = 500;
  constructor(service: string, functionName: string, cause: unknown) {
    super(`Function ${functionName} of service ${service} failed: ${messageOf(cause)}`, {
      details: { service, functionName },
      cause,
    });
  }
}

/** An attempt that took longer than its service allows. The first words are those that Dataloop's client looks for. */
export class ExecutionTimedOut extends ModelfnError {
  override readonly name = 'ExecutionTimedOut';
  readonly code = 'ExecutionTimedOut';
  readonly statusCode = 504;
  constructor(service: string, functionName: string, seconds: number) {
    super(
      `Failed due to runner timeout: function ${functionName} of service ${service} did not end within ${seconds} s. Give the service more executionTimeout, or the function less to do.`,
      { details: { service, functionName, seconds } },
    );
  }
}

/** What a function of a service answered is not what it declares. */
export class OutputInvalid extends ModelfnError {
  override readonly name = 'OutputInvalid';
  readonly code = 'OutputInvalid';
  readonly statusCode = 422;
  constructor(functionName: string, problems: readonly string[], cause?: unknown) {
    super(
      `Function ${functionName} answered something else than its package declares: ${problems.join('; ')}.`,
      { details: { functionName, problems: [...problems] }, cause },
    );
  }
}
