import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../shared/errors.ts';
import { ARCHITECTURES, type Architecture } from './architecture.ts';
import { packageFunctions } from './package-functions.ts';

const root = join(import.meta.dirname, '..', '..');
try {
  const { values } = parseArgs({
    options: {
      architecture: { type: 'string', default: 'arm64' },
      stage: { type: 'string', default: 'dev' },
      region: { type: 'string', default: 'eu-west-1' },
      package: { type: 'string', default: '.serverless' },
    },
  });
  const architecture = ARCHITECTURES.find((each) => each === values.architecture) as Architecture | undefined;
  if (!architecture) throw new Error(`--architecture takes ${ARCHITECTURES.join(' or ')}`);
  const started = performance.now();
  const { stage, region, package: packageFolder } = values;
  const { template, zips } = await packageFunctions({ root, architecture, stage, region, packageFolder });
  for (const [name, zip] of zips)
    print(
      `${name.padEnd(10)} ${((await stat(zip)).size / 1e6).toFixed(1).padStart(5)} MB  ${relative(root, zip)}`,
    );
  print(`${relative(root, template)}, ${architecture}, ${Math.round(performance.now() - started)} ms`);
} catch (error) {
  process.stderr.write(`package: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
