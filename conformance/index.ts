/** The adapter conformance kit, as users' own tests import it: `modelfn/conformance`. */

export type { CheckResult } from './check.ts';
export { type ConformanceOptions, type ConformanceReport, checkAdapter } from './check-adapter.ts';
export type { CheckData, CheckFile } from './data/check-data.ts';
export { folderData } from './data/folder-data.ts';
