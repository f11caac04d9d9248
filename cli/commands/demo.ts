import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readConfig } from '../../shared/config.ts';
import { jsonLog } from '../../shared/log.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { modeOf, withExamples } from '../command.ts';
import { reportText } from '../demo/report.ts';
import { runDemo } from '../demo/run-demo.ts';
import type { CliIo } from '../io.ts';
import { startLocalServer } from '../local/local-server.ts';
import { ROOT } from '../session.ts';

/** `modelfn demo`: the whole way on real digits, once, then it ends. */
export function registerDemo(program: Command, io: CliIo): void {
  const demo = program
    .command('demo')
    .description('train, load, predict and evaluate on real digits, then end')
    .argument('[file]', 'with --json: the file that gets the report; stdout when missing')
    .option('--port <port>', 'port to listen on meanwhile; a free one when missing', '0')
    .action(async (file: string | undefined, { port }: { port: string }, command: Command) => {
      const { json } = modeOf(command);
      const config = { ...readConfig({ ...io.env, PORT: port }, io.cwd), logLevel: 'warn' as const };
      const log = jsonLog('warn', (line) => io.stderr.write(line), io.now);
      const platform = await openPlatform(config, { log });
      try {
        const server = await startLocalServer({ config, platform, root: ROOT, log });
        try {
          const say = (line: string) => io.stderr.write(`  ${line}\n`);
          const { report } = await runDemo(platform, server, io, say);
          const text = `${JSON.stringify(report, null, 2)}\n`;
          if (json && file !== undefined) await writeFile(resolve(io.cwd, file), text);
          io.stdout.write(json && file === undefined ? text : `\n${reportText(report)}\n`);
        } finally {
          await server.close();
        }
      } finally {
        await platform.close();
      }
    });
  withExamples(demo, 'modelfn demo', 'modelfn demo --json report.json');
}
