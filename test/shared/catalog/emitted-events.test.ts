import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Item } from '../../../shared/entities/item.ts';
import { TRIGGER_RESOURCES, type TriggerResource } from '../../../shared/entities/trigger.ts';
import { canonicalJson } from '../../../shared/json.ts';
import { takeEvents } from '../../support/workspace.ts';
import { OPERATIONS, openStage, type Stage } from './write-operations.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.platform.close());

type Content = ReadonlyMap<string, string>;

/** What subscribers are told of, each entity as text: folders and hidden files have no events, counts and times are no change. */
async function told(resource: TriggerResource): Promise<Content> {
  const { items } = await stage.platform.store.query(resource, { pageSize: 10_000 });
  const own = items.filter(
    (each) => resource !== 'Item' || ((each as Item).type === 'file' && !(each as Item).hidden),
  );
  return new Map(own.map((each) => [each.id, canonicalJson(withoutCounts(each))]));
}

function withoutCounts(entity: object): object {
  const { annotated: _a, annotationsCount: _c, updatedAt: _t, ...rest } = entity as Record<string, unknown>;
  return rest;
}

async function everything(): Promise<Map<TriggerResource, Content>> {
  const contents = new Map<TriggerResource, Content>();
  for (const resource of TRIGGER_RESOURCES) contents.set(resource, await told(resource));
  return contents;
}

/** What something lies in: with its deletion all that lies in it is gone, and its event tells of that too. */
const HOLDERS: Partial<Record<TriggerResource, [TriggerResource, string]>> = {
  Annotation: ['Item', 'itemId'],
  Item: ['Dataset', 'datasetId'],
};

/** The events that lead from one content to the other, by comparison alone. */
function difference(before: Map<TriggerResource, Content>, after: Map<TriggerResource, Content>): string[] {
  return TRIGGER_RESOURCES.flatMap((resource) => {
    const old = before.get(resource)!;
    const now = after.get(resource)!;
    const isHeld = ([, text]: [string, string]): boolean => {
      const [holder, field] = HOLDERS[resource] ?? [];
      return !holder || after.get(holder)!.has(String((JSON.parse(text) as Record<string, unknown>)[field!]));
    };
    const created = [...now].filter(([id]) => !old.has(id));
    const deleted = [...old].filter(([id]) => !now.has(id)).filter(isHeld);
    const updated = [...now].filter(([id, text]) => old.has(id) && old.get(id) !== text);
    return [
      ...created.map(([id]) => `${resource} Created ${id}`),
      ...deleted.map(([id]) => `${resource} Deleted ${id}`),
      ...updated.map(([id]) => `${resource} Updated ${id}`),
    ];
  });
}

describe('subscribers are told exactly what changed', () => {
  it.each(Object.entries(OPERATIONS))('by %s', async (_name, run) => {
    const before = await everything();

    await run(stage.platform, stage);

    const events = await takeEvents(stage.platform);
    const found = events.map(({ resource, action, resourceId }) => `${resource} ${action} ${resourceId}`);
    expect(found.sort()).toEqual(difference(before, await everything()).sort());
    expect(new Set(events.map(({ projectId }) => projectId))).toEqual(
      new Set(events.length > 0 ? [stage.project.id] : []),
    );
  });
});
