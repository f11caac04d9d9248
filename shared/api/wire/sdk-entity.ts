import type { Request } from 'express';
import { isJsonObject, type JsonObject } from '../../json.ts';

/** What asks: versions of Dataloop's SDK differ in the keys they read of models and snapshots. */
export interface Reader {
  /** Reads project and creator below `context`, and a model's defaults as `defaultConfiguration`. */
  readonly readsContext: boolean;
}

/** The first minor version of `dtlpy` 1 that reads `context`, as far as was seen: 1.49 has not, 1.57 has. */
const FIRST_WITH_CONTEXT = 50;

/** Told by `User-Agent`, which the SDK begins with `dtlpy/<version>`. */
export function readerOf(request: Pick<Request, 'get'>): Reader {
  const [, major, minor] = /^dtlpy\/(\d{1,4})\.(\d{1,4})\b/.exec(request.get('user-agent') ?? '') ?? [];
  const [of, at] = [Number(major), Number(minor)];
  return { readsContext: of > 1 || (of === 1 && at >= FIRST_WITH_CONTEXT) };
}

/** The keys of a model or snapshot that later versions of the SDK read beside those they always did. */
export function contextOf(entity: { projectId: string; creator: string; global: boolean }): JsonObject {
  return {
    context: { project: entity.projectId, org: null, creator: entity.creator },
    scope: entity.global ? 'public' : 'project',
  };
}

/** A model as a later version of the SDK sends it: its defaults are the configuration. */
export function modelFromWire(body: unknown): unknown {
  if (!isJsonObject(body) || body.configuration != null || body.defaultConfiguration == null) return body;
  const { defaultConfiguration, ...fields } = body;
  return { ...fields, configuration: defaultConfiguration };
}
