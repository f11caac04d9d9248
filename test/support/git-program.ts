import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Why tests that talk to git's own programs cannot run on this machine; `undefined` when they can. */
export const GIT_MISSING = missing();

function missing(): string | undefined {
  const { status, stdout } = spawnSync('git', ['--exec-path'], { encoding: 'utf8' });
  if (status !== 0) return 'there is no git program on this machine';
  return existsSync(join(stdout.trim(), 'git-http-backend'))
    ? undefined
    : 'git came without git-http-backend';
}
