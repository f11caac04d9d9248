import type { DeclaredFunction, Package, PackageModule, PackageRevision } from '../entities/package.ts';
import type { Service } from '../entities/service.ts';
import { nearest } from '../nearest.ts';
import { PackageVersionMissing, ServiceStopped } from './errors.ts';

/** One function of a service, with what runs it. */
export interface ServiceFunction {
  readonly service: Readonly<Service>;
  readonly package: Readonly<Package>;
  /** The package as it was at the version that the service runs. */
  readonly revision: PackageRevision;
  readonly module: PackageModule;
  readonly declared: DeclaredFunction;
}

/** The present version of a package, as its revisions are kept. */
export function presentRevision({ version, codebase, modules, updatedAt }: Package): PackageRevision {
  return { version, ...(codebase && { codebase }), modules, updatedAt };
}

/** @throws PackageVersionMissing */
export function revisionAt(pkg: Readonly<Package>, version: string): PackageRevision {
  const all = [...(pkg.revisions ?? []), presentRevision(pkg)];
  const found = all.findLast((each) => each.version === version);
  if (found) return found;
  throw new PackageVersionMissing(
    pkg,
    version,
    all.map((each) => each.version),
  );
}

/** The module that a service deploys; `undefined` when its package's version has none of that name. */
export function moduleOf(revision: PackageRevision, moduleName: string): PackageModule | undefined {
  return revision.modules.find(({ name }) => name === moduleName);
}

/** What is asked for and is not there, and what is: for errors of whoever asked. */
export class FunctionAbsent extends Error {
  readonly known: readonly string[];
  readonly near: string | undefined;
  constructor(functionName: string, known: readonly string[]) {
    super(`there is no function ${functionName.slice(0, 100)}`);
    this.known = known;
    this.near = nearest(functionName.slice(0, 100), known);
  }
}

/** @throws PackageVersionMissing, FunctionAbsent */
export function declarationOf(
  service: Readonly<Service>,
  pkg: Readonly<Package>,
  functionName: string,
): ServiceFunction {
  const revision = revisionAt(pkg, service.packageRevision);
  const module = moduleOf(revision, service.moduleName);
  const declared = module?.functions.find(({ name }) => name === functionName);
  if (module && declared) return { service, package: pkg, revision, module, declared };
  throw new FunctionAbsent(functionName, module?.functions.map(({ name }) => name) ?? []);
}

/** @throws ServiceStopped */
export function assertActive(service: Readonly<Service>): void {
  if (!service.active) throw new ServiceStopped(service);
}
