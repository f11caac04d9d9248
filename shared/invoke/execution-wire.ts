import type { Execution } from '../entities/execution.ts';
import type { JsonObject } from '../json.ts';

/**
 * An execution as the wire has it (docs/WIRE.md, Executions), with `error` and `caller` beside. What the platform would fill
 * and modelfn has no word for is null; lease, fence and checkpoint are nobody's business but
 * the holders'.
 */
export function executionToWire(execution: Execution, baseUrl?: string): JsonObject {
  const { lease: _lease, fence: _fence, checkpoint: _checkpoint, ...shown } = execution;
  return {
    serviceVersion: null,
    packageId: null,
    packageName: 'modelfn',
    ...shown,
    statusLog: shown.status,
    feedbackQueue: null,
    syncReplyTo: null,
    url: baseUrl === undefined ? null : `${baseUrl}/executions/${execution.id}`,
  } as JsonObject;
}
