import type { Model } from '../entities/model.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import type { Platform } from '../platform.ts';
import { assertConfiguration } from '../snapshots/assert-configuration.ts';
import { effectiveConfiguration } from '../snapshots/effective-configuration.ts';

type Checked = Pick<Model, 'name' | 'entryPoint' | 'configuration'>;

/** Checks the configuration of a model of a built-in adapter. @throws InvalidInput with every problem */
export async function checkModelConfiguration(
  { findSettings }: Pick<Platform, 'findSettings'>,
  model: Readonly<Checked>,
): Promise<void> {
  const settings = await findSettings?.(model.entryPoint);
  if (!settings) return;
  const configuration = effectiveConfiguration(settings, model, { configuration: {} });
  assertConfiguration(settings, `configuration of model ${model.name}`, configuration);
}

/** Checks the configuration of a snapshot, on top of its model's, of a built-in adapter. @throws InvalidInput with every problem */
export async function checkSnapshotConfiguration(
  { findSettings }: Pick<Platform, 'findSettings'>,
  model: Readonly<Checked>,
  snapshot: Readonly<Pick<Snapshot, 'name' | 'configuration' | 'ontologySpec'>>,
): Promise<void> {
  const settings = await findSettings?.(model.entryPoint);
  if (!settings) return;
  const configuration = effectiveConfiguration(settings, model, snapshot);
  const what = `configuration of snapshot ${snapshot.name}, with that of its model ${model.name}`;
  assertConfiguration(settings, what, configuration, snapshot.ontologySpec.labels);
}
