import { join, resolve } from 'node:path';
import { environmentRedactor, readConfig } from '../../shared/config.ts';
import { messageOf } from '../../shared/errors.ts';
import { jsonLog } from '../../shared/log.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { maskedLog, redactorOf } from '../../shared/redact.ts';
import { functionNames } from '../local/build.ts';
import { closeOnSignal } from '../local/close-on-signal.ts';
import { eraseInitialEnvironment } from '../local/initial-environment.ts';
import { startLocalServer } from '../local/local-server.ts';
import { recordUnhandledRejections } from '../local/unhandled-rejections.ts';
import { isVisible } from '../local/worker-variables.ts';

/**
 * What the container image starts: the functions and the entity API behind one port, for a platform whose ingress decides
 * who may call. The bundles were built with the image, in `dist/` or the folder that is given. A signal lets what is under way finish.
 */
const root = join(import.meta.dirname, '..', '..');
const dist = resolve(process.argv[2] ?? join(root, 'dist'));
try {
  const config = readConfig();
  // Adapters run under the same user, and could read this process's initial environment.
  eraseInitialEnvironment(isVisible);
  const log = maskedLog(jsonLog(config.logLevel), redactorOf(config));
  recordUnhandledRejections(log);
  const platform = await openPlatform(config);
  const names = await functionNames(root);
  const bundles = new Map(names.map((name) => [name, join(dist, name, 'index.mjs')]));
  const server = await startLocalServer({ config, platform, root, log, bundles, exposed: true });
  log.info('listening', { url: server.url, functions: server.host.functionNames });
  await closeOnSignal(server, log);
  await platform.close();
} catch (error) {
  process.stderr.write(`modelfn: ${environmentRedactor()(messageOf(error))}\n`);
  process.exitCode = 1;
}
