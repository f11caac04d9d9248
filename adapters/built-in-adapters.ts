import type { RequestListener } from 'node:http';
import type { PythonSettings } from '../shared/config.ts';
import type { AdapterEnvironment } from '../shared/entities/adapter-environment.ts';
import type { Log } from '../shared/log.ts';
import type { ModelAdapterClass } from './model-adapter.ts';

/** An adapter's code in another language than JavaScript, checked out. */
export interface HostedCode {
  /** Folder of the code's files: read only. */
  directory: string;
  /** The file of the adapter below it, `/`-separated. */
  entryPoint: string;
  /** The class in that file; a file may do without. */
  className: string;
  /** A folder for what is worth keeping between runs, shared by processes. */
  cacheDirectory: string;
  python: PythonSettings;
  /** Declaration of the process's environment, by the model. */
  environment?: AdapterEnvironment | undefined;
  /** A folder that is the home of all processes of one model, and is kept. Missing: each process has an empty one. */
  homeDirectory?: string;
  /** Gets each line of an installation; without it they go to `log`. */
  onInstall?: (line: string) => void;
  /** Gets what the code prints outside of any run. */
  log: Log;
  /** Log of the run that calls the adapter now; `undefined` outside of any. Missing: everything goes to `log`. */
  currentLog?: () => Log | undefined;
  /** Methods that the caller will use. Code that clearly lacks one is refused before its packages are installed. */
  needs?: readonly string[];
  /** The entity API within the run that calls the adapter just now; `undefined` outside of any. Missing: there is none. */
  currentApi?: () => RunApi | undefined;
}

/** Facts about an adapter in another language, read from its source without running it. */
export interface HostedSource {
  /** Reason why the file is not an adapter; null when it may be one. */
  problem: string | null;
  /** Classes of the file that look like adapters; `isSdk` when they derive from `dl.BaseModelAdapter`. */
  classes: readonly { name: string; isSdk: boolean }[];
}

/** The entity API as one run's adapter may use it. */
export interface RunApi {
  /** Who the run is on behalf of. */
  email: string;
  /** Answers requests below `/api/v1`, for anybody: who is let to it is the caller's to decide. */
  answer: RequestListener;
}

/** The settings of a built-in adapter, without its code. */
export type AdapterSettings = Required<Pick<ModelAdapterClass, 'defaults' | 'checkConfiguration'>>;

/** Returns the settings of a built-in adapter by its entry point; `undefined` for any other adapter. */
export type FindSettings = (entryPoint: string) => Promise<AdapterSettings | undefined>;

/** The adapters that come with modelfn, as the invocation layer sees them: no concrete one is known there. */
export interface BuiltInAdapters {
  /** True for an entry point `modelfn/<name>`. */
  has(entryPoint: string): boolean;
  /** @throws when there is no such adapter; the error lists those there are. */
  load(entryPoint: string): Promise<ModelAdapterClass>;
  /** A class that runs code of another language, told by the ending of its file; `undefined` for JavaScript. */
  host?(code: HostedCode, signal?: AbortSignal): Promise<ModelAdapterClass> | undefined;
}
