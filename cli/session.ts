import { join } from 'node:path';
import { findBuiltInSettings } from '../adapters/settings-registry.ts';
import { type Actor, LOCAL_ACTOR } from '../shared/auth/actor.ts';
import { readConfig } from '../shared/config.ts';
import { jsonLog, type Log, silentLog } from '../shared/log.ts';
import { openPlatform } from '../shared/open-platform.ts';
import type { Platform } from '../shared/platform.ts';
import { type Desk, openDesk } from './desk.ts';
import type { CliIo } from './io.ts';
import type { FunctionHost } from './local/function-host.ts';
import type { OutputMode } from './output/print.ts';

/** Root of modelfn's own files: where `functions/` and `dist/` are. */
export const ROOT = join(import.meta.dirname, '..');

/** What a command works with. */
export interface Session extends Desk {
  readonly actor: Actor;
  readonly platform: Platform;
  /**
   * A function in a process of its own, its bundle built when it is missing or out of date. `localRoots` are folders
   * that this call may read and write beside those of the configuration. One host a session.
   */
  openFunction(name: string, localRoots?: readonly string[]): Promise<FunctionHost>;
  /** Ends processes and closes the store. May be called twice. */
  close(): Promise<void>;
}

/** Opens the state folder that the environment names. @throws InvalidConfig, StateFolderUnusable, StoreUnavailable */
export async function openSession(io: CliIo, mode: OutputMode): Promise<Session> {
  const config = readConfig({ ...io.env }, io.cwd);
  const log: Log = mode.verbose ? jsonLog('debug', (line) => io.stderr.write(line), io.now) : silentLog;
  const platform = await openPlatform(config, { log, findSettings: findBuiltInSettings });
  const hosts: FunctionHost[] = [];
  return {
    ...openDesk(io, mode),
    actor: LOCAL_ACTOR,
    platform,
    async openFunction(name, localRoots = []) {
      const [{ buildFunctions }, { FunctionHost }] = await Promise.all([
        import('./local/build.ts'),
        import('./local/function-host.ts'),
      ]);
      const built = await buildFunctions({ root: ROOT, outdir: join(ROOT, 'dist'), names: [name], log });
      const host = new FunctionHost({
        bundles: new Map(built.map((each) => [each.name, each.bundle])),
        workersPerFunction: 1,
        env: {
          ...io.env,
          MODELFN_HOME: config.home,
          MODELFN_LOCAL_ROOTS: [...config.localRoots, ...localRoots].join(':'),
        },
        log,
      });
      hosts.push(host);
      return host;
    },
    async close() {
      await Promise.all(hosts.splice(0).map((host) => host.close()));
      await platform.close();
    },
  };
}
