import type { Command } from 'commander';
import { readConfig } from '../../shared/config.ts';
import { jsonLog } from '../../shared/log.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { withExamples } from '../command.ts';
import { reportText } from '../demo/report.ts';
import { type DemoResult, runDemo } from '../demo/run-demo.ts';
import type { CliIo } from '../io.ts';
import { closeOnSignal } from '../local/close-on-signal.ts';
import { type LocalServer, startLocalServer } from '../local/local-server.ts';
import { recordUnhandledRejections } from '../local/unhandled-rejections.ts';
import { ROOT } from '../session.ts';

/** `modelfn start`: serves API and functions until it is stopped; an empty state folder first gets the digits. */
export function registerStart(program: Command, io: CliIo): void {
  const start = program
    .command('start')
    .description('serve API and functions on this machine; an empty state folder first gets the digits')
    .option('--no-demo', 'serve at once, import and train nothing')
    .action(async ({ demo }: { demo: boolean }) => {
      const config = readConfig({ ...io.env }, io.cwd);
      const log = jsonLog(config.logLevel, (line) => io.stderr.write(line), io.now);
      recordUnhandledRejections(log);
      const platform = await openPlatform(config, { log });
      try {
        io.stdout.write('modelfn: building the functions...\n');
        const server = await startLocalServer({ config, platform, root: ROOT, log });
        const closed = closeOnSignal(server, log);
        try {
          io.stdout.write(`modelfn: serving ${server.url}\n`);
          const say = (line: string) => io.stdout.write(`  ${line}\n`);
          const done = demo ? await runDemo(platform, server, io, say) : undefined;
          io.stdout.write(welcome(server, done));
          await closed;
        } finally {
          await server.close();
        }
      } finally {
        await platform.close();
      }
    });
  withExamples(start, 'modelfn start', 'PORT=8080 MODELFN_HOME=/data/modelfn modelfn start --no-demo');
}

function welcome({ url }: LocalServer, done: DemoResult | undefined): string {
  const next = done
    ? [
        ['what there is', `${url}/`],
        ['the snapshot', `${url}/api/v1/snapshots/${done.entities.snapshot.id}`],
        ['its curves', `${url}/api/v1/snapshots/${done.entities.snapshot.id}/metrics`],
        ['what predict takes', `${url}/api/v1/functions/predict`],
        ['on the command line', 'npx modelfn snapshots list'],
      ]
    : [
        ['what there is', `${url}/`],
        ['on the command line', 'npx modelfn projects create my-project'],
      ];
  return [
    ...(done ? ['', reportText(done.report)] : []),
    '',
    'Open next:',
    ...next.map(([what, where]) => `  ${what!.padEnd(20)} ${where}`),
    '',
    'Ctrl-C stops it. State is kept; the next start goes on from there.',
    '',
  ].join('\n');
}
