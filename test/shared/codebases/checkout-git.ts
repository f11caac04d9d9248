import { watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GitCodebase } from '../../../shared/codebases/git.ts';
import { GitSource } from '../../../shared/git/git-source.ts';
import { Secrets } from '../../../shared/secrets.ts';
import { codeIn } from './code-in.ts';

/** A process of `git.test.ts`: checks out, and tells what it got; with `tell` it tells when its first file is there. */
const [gitUrl, origin, cacheDirectory, tell] = process.argv.slice(2);
const context = {
  hosts: [origin!],
  secrets: new Secrets(),
  localRoots: { allowed: [], private: [] },
  cacheDirectory: cacheDirectory!,
  clock: { now: () => 0 },
};
const spec = { type: 'git', gitUrl: gitUrl!, gitTag: 'main' } as const;

if (tell !== undefined) {
  const { folder } = await GitSource.open(spec, context);
  const unfinished = join(folder, 'checkouts/tmp');
  await mkdir(unfinished, { recursive: true });
  watch(unfinished, { recursive: true }, (_event, name) => {
    if (name?.endsWith('.ts')) process.send!('begun');
  });
}
const { directory, digest } = await (await GitCodebase.open(spec, context)).checkout();
process.send!({ digest, code: await codeIn(directory) }, () => process.disconnect());
