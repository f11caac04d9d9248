#!/usr/bin/env node
// The command `modelfn`. It runs TypeScript as it is, which takes Node 24: started by an older one, it looks for a newer
// one beside itself. Plain JavaScript that any Node since 14 can read.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LEAST_NODE = 24;
const folder = dirname(fileURLToPath(import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= LEAST_NODE) await import('./main.ts');
else runWithNewerNode();

function runWithNewerNode() {
  const node = newerNode();
  if (node === undefined) {
    process.stderr.write(
      `modelfn: this is Node ${process.versions.node}, and modelfn takes Node ${LEAST_NODE} or newer. ` +
        `Install it from https://nodejs.org, or beside modelfn with: npm install node@${LEAST_NODE}\n`,
    );
    process.exit(2);
  }
  const child = spawn(node, [join(folder, 'main.ts'), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal's Ctrl-C reaches the child by itself, and a second one would end it at once; it decides when to end.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => {
    process.stderr.write(`modelfn: ${node} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 130));
}

/** The binary of the npm package `node`, of this project or of the one it is installed in. */
function newerNode() {
  const own = join(folder, '..', 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  if (existsSync(own)) return own;
  try {
    const found = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
    return existsSync(found) ? found : undefined;
  } catch {
    return undefined;
  }
}
