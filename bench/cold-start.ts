import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { markdownTable, shown, spreadOf } from './statistics.ts';
import { ROOT, type Workspace } from './workspace.ts';

const ROUNDS = 25;

/** What was found when the aim was missed. */
const IN_THE_WAY =
  'What the function does beyond the script: Node opens and compiles more code and makes its schemas, SQLite is opened, the call is resolved and checked, weights are verified and linked, annotations and execution are written. Tried, and kept: one eager chunk in place of thirty, the JavaScript of sharp bundled, state folders looked at in one go; the ratio was 1.48 before, on a busy machine. Tried, and left: the compile cache of V8, which saves either side some 8 ms.';

/**
 * Process start to first prediction: the deployed bundle, which finds the entities, verifies the weights, predicts and
 * writes back, beside a bare script, bundled with the same settings, that reads the same weights and the same image with the same
 * adapter and library, and nothing else.
 */
export async function coldStart(space: Workspace): Promise<string> {
  const folder = join(ROOT, 'node_modules', '.cache', 'modelfn-bench');
  await mkdir(folder, { recursive: true });
  const bare = await bundled(folder, 'bare', bareScript(space));
  const called = join(folder, 'called.mjs');
  await writeFile(called, callScript(space));
  const sides: Record<string, { script: string; times: number[] }> = {
    'bare script': { script: bare, times: [] },
    'predict function, with write-back': { script: called, times: [] },
    'an empty script, for comparison': { script: await emptyScript(folder), times: [] },
  };
  for (let round = 0; round < ROUNDS; round += 1)
    for (const side of Object.values(sides)) side.times.push(await firstAnswer(side.script, space.home));
  const base = spreadOf(sides['bare script']!.times).median;
  return [
    '## Cold start',
    `Milliseconds from the start of the process to the first prediction of one 8x8 PNG, median of ${ROUNDS} interleaved rounds and middle half; weights in the machine's cache of files. Aim: under 1.15 times the bare script.`,
    markdownTable(
      ['', 'ms', 'ratio'],
      Object.entries(sides).map(([name, { times }]) => [
        name,
        shown(spreadOf(times), 0),
        (spreadOf(times).median / base).toFixed(2),
      ]),
    ),
    IN_THE_WAY,
  ].join('\n\n');
}

function bareScript({ weights, image }: Workspace): string {
  return `
    import { readFile } from 'node:fs/promises';
    import sharp from 'sharp';
    import { SvmAdapter } from ${JSON.stringify(join(ROOT, 'adapters/svm/svm-adapter.ts'))};
    const labels = ['0','1','2','3','4','5','6','7','8','9'];
    const configuration = { kernel: 'rbf', C: 10, gamma: 0.001, image: { width: null, height: null, channels: 1, scale: 15 } };
    const adapter = new SvmAdapter({ labels, configuration });
    await adapter.load(${JSON.stringify(weights)});
    const { data, info } = await sharp(await readFile(${JSON.stringify(image)})).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    const values = Float64Array.from(data, (level) => level / 15);
    const space = { kind: 'image', width: info.width, height: info.height, channels: 1 };
    const [[prediction]] = adapter.predict([{ values, space }]);
    console.log(prediction.label);
  `;
}

function callScript({ snapshotId, testItems }: Workspace): string {
  const bundle = join(ROOT, 'dist', 'predict', 'index.mjs');
  const inputs = { snapshot: { snapshot_id: snapshotId }, item: { item_id: testItems[0]!.id } };
  return `
    const { handler } = await import(${JSON.stringify(bundle)});
    const output = await handler({ inputs: ${JSON.stringify(inputs)} });
    console.log(output.predictions[0].annotations[0].label);
    process.exit(0);
  `;
}

async function emptyScript(folder: string): Promise<string> {
  const path = join(folder, 'empty.mjs');
  await writeFile(path, `console.log('nothing');`);
  return path;
}

/** A script in one file, bundled as functions are. */
export async function bundled(folder: string, name: string, contents: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    stdin: { contents, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minify: true,
    external: ['sharp'],
    outfile,
    logLevel: 'error',
  });
  return outfile;
}

/** Milliseconds until the script's first line of output. */
export async function firstAnswer(
  script: string,
  home: string,
  more: Record<string, string> = {},
): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, MODELFN_HOME: home, MODELFN_LOG_LEVEL: 'error', ...more },
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const elapsed = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', () => resolve(performance.now() - started));
    child.once('close', (code) => reject(new Error(`${script} ended with ${code} and said nothing`)));
  });
  await ended;
  return elapsed;
}
