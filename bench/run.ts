import { writeFile } from 'node:fs/promises';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../shared/version.ts';
import { bundleSize } from './bundle-size.ts';
import { cocoThroughTheStore } from './coco.ts';
import { coldStart } from './cold-start.ts';
import { coldStartOverLink } from './cold-start-link.ts';
import { dataloopSdk } from './dataloop-sdk.ts';
import { events } from './events.ts';
import { httpThroughput } from './http-throughput.ts';
import { headOnFashion } from './inception.ts';
import { onnxThroughput } from './onnx.ts';
import { pipelineNode } from './pipeline-node.ts';
import { pythonBridge } from './python-bridge.ts';
import { svmBesideScikitLearn } from './svm.ts';
import { transfer } from './transfer.ts';
import { warmOverhead } from './warm-overhead.ts';
import { openWorkspace, ROOT } from './workspace.ts';

/** `npm run bench`: asks every question once, prints the tables, and writes them to docs/BENCHMARKS.md. */
const space = await openWorkspace();
const parts: string[] = [];
try {
  for (const ask of [
    bundleSize,
    coldStart,
    warmOverhead,
    httpThroughput,
    transfer,
    coldStartOverLink,
    events,
    pipelineNode,
    pythonBridge,
    dataloopSdk,
    onnxThroughput,
    svmBesideScikitLearn,
    headOnFashion,
    cocoThroughTheStore,
  ]) {
    const part = await ask(space);
    parts.push(part);
    process.stdout.write(`${part}\n\n`);
  }
} finally {
  await space.close();
}
await writeFile(join(ROOT, 'docs', 'BENCHMARKS.md'), `${[header(), ...parts].join('\n\n')}\n`);
process.exit(0);

function header(): string {
  const [cpu] = cpus();
  return [
    '# Benchmarks',
    'Written by `npm run bench`; both sides of every ratio come from one run, in interleaved rounds.',
    `Machine: ${cpus().length} cores of ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()} ${arch()}, Node ${process.version}, modelfn ${VERSION}, ${new Date().toISOString().slice(0, 10)}.`,
  ].join('\n\n');
}
