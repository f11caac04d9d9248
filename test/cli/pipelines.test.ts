import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connection, graph, node, trainAndPredict } from '../shared/pipelines/graphs.ts';
import { type CommandLine, commandLine, writeFiles } from './command-line.ts';

const NEAREST_CENTROID = join(import.meta.dirname, '../../examples/nearest-centroid');
const POINTS = 'x,y,side\n1,1,left\n2,1,left\n1,2,left\n8,8,right\n9,8,right\n8,9,right\n';

describe('modelfn pipelines', () => {
  it('creates, redraws, lists, shows and runs a pipeline', { timeout: 120_000 }, async () => {
    const line = await withSnapshot();
    const drawn = trainAndPredict('{"metrics.accuracy": {"$gte": 0.5}}');
    drawn.nodes[1]!.config = { inputs: { predict: true, partition: 'train' } };
    drawn.nodes[2]!.config = { inputs: { items: { dataset: line.datasetId }, write: false } };
    await writeFiles(line.cwd, {
      'first.json': JSON.stringify(graph(drawn.nodes.slice(0, 1), [], ['train'])),
      'second.json': JSON.stringify(drawn),
    });

    const created = await line.json('pipelines', 'create', 'nightly', 'first.json', '--project', 'demo');
    const redrawn = await line.json('pipelines', 'create', 'nightly', 'second.json', '--project', 'demo');
    const shown = await line.run('pipelines', 'show', 'nightly');
    const machine = await line.json('pipelines', 'show', 'nightly', '--asl');
    const ended = await line.json(
      'pipelines',
      'run',
      'nightly',
      '--input',
      `{"snapshot":"${line.snapshotId}"}`,
    );

    expect(redrawn).toMatchObject({ id: created.id, revision: 2 });
    expect(await line.json('pipelines', 'list')).toMatchObject([{ id: created.id, name: 'nightly' }]);
    expect(shown.stdout).toContain('evaluate.snapshot -> snapshot');
    expect(machine).toMatchObject({ QueryLanguage: 'JSONata', StartAt: 'Begin' });
    expect(ended).toMatchObject({
      status: 'success',
      nodes: {
        train: { status: 'success' },
        evaluate: { status: 'success' },
        predict: { status: 'success' },
      },
    });
  });

  it('tells what is wrong with a drawing, with node and port, and keeps nothing', async () => {
    const line = commandLine();
    await line.json('projects', 'create', 'demo');
    await writeFiles(line.cwd, {
      'cycle.json': JSON.stringify(graph([node('a', 'load')], [connection('a.snapshot -> a.snapshot')])),
      'broken.json': '{',
    });

    const cycle = await line.fail('pipelines', 'create', 'x', 'cycle.json', '--project', 'demo');
    const broken = await line.fail('pipelines', 'create', 'x', 'broken.json', '--project', 'demo');

    expect(cycle).toMatchObject({ error: 'PipelineInvalid' });
    expect(broken).toMatchObject({ error: 'InvalidInput' });
    expect(await line.json('pipelines', 'list')).toEqual([]);
  });
});

async function withSnapshot(): Promise<CommandLine & { datasetId: string; snapshotId: string }> {
  const line = commandLine();
  await line.json('projects', 'create', 'demo');
  const dataset = await line.json('datasets', 'create', 'points', '--project', 'demo');
  await writeFiles(line.cwd, { 'points.csv': POINTS });
  await line.json(
    'datasets',
    'upload',
    'points',
    'points.csv',
    '--label-column',
    'side',
    '--partition',
    'train',
  );
  await line.json('models', 'push', 'centroid', NEAREST_CENTROID, '--project', 'demo');
  const snapshot = await line.json(
    'snapshots',
    'create',
    'one',
    '--model',
    'centroid',
    '--dataset',
    'points',
  );
  return { ...line, datasetId: String(dataset.id), snapshotId: String(snapshot.id) };
}
