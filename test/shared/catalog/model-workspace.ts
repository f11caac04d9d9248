import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModel } from '../../../shared/catalog/models.ts';
import { createSnapshot } from '../../../shared/catalog/snapshots.ts';
import type { Execution } from '../../../shared/entities/execution.ts';
import type { Model } from '../../../shared/entities/model.ts';
import type { Snapshot } from '../../../shared/entities/snapshot.ts';
import { claimExecution } from '../../../shared/invoke/executions.ts';
import { commitWeights } from '../../../shared/snapshots/commit-weights.ts';
import { beginRun } from '../../../shared/snapshots/snapshot-run.ts';
import { openWorkspace, type Workspace } from '../../support/workspace.ts';

/** A workspace with a model and a snapshot on its dataset. */
export interface ModelWorkspace extends Workspace {
  model: Model;
  snapshot: Snapshot;
}

export async function openModelWorkspace(): Promise<ModelWorkspace> {
  const workspace = await openWorkspace();
  const { platform, actor, project, dataset } = workspace;
  const model = await createModel(platform, actor, { name: 'm1', projectId: project.id });
  const snapshot = await createSnapshot(platform, actor, {
    name: 's1',
    modelId: model.id,
    datasetId: dataset.id,
  });
  return { ...workspace, model, snapshot };
}

/** Saves one file as the snapshot's next revision. */
export async function saveWeights({ platform, actor }: Workspace, snapshot: Snapshot, text = 'weights') {
  const directory = await mkdtemp(join(tmpdir(), 'modelfn-weights-'));
  try {
    await writeFile(join(directory, 'model.bin'), text);
    const by = { actor, executionId: 'save-by-hand' };
    const save = { source: directory, lineage: { seed: 7 }, ...by };
    return (await commitWeights(platform, snapshot, save)).snapshot;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** An execution that a container holds just now. */
export function runningExecution({ platform, actor, project }: Workspace, id: string): Promise<Execution> {
  const call = {
    functionName: 'train',
    input: {},
    projectId: project.id,
    caller: 'http' as const,
    actor,
    executionId: id,
  };
  return claimExecution(platform, id, call, 'holder-1');
}

/** Has a living run write the snapshot's weights. */
export async function train(workspace: Workspace, snapshot: Snapshot): Promise<Snapshot> {
  const execution = await runningExecution(workspace, `run-of-${snapshot.id}`);
  return beginRun(workspace.platform, snapshot, execution.id);
}
