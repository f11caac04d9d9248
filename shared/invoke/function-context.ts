import type { Context } from 'aws-lambda';
import type { Json } from '../json.ts';

/** What a container hands to a handler beside the event: Lambda's context, or a local worker's. */
export interface FunctionContext
  extends Partial<Pick<Context, 'functionName' | 'awsRequestId' | 'getRemainingTimeInMillis'>> {
  /**
   * Has the same function invoked with the payload after this invocation answered. Where nobody offers it, a long
   * method runs in place.
   */
  dispatch?(payload: Json): Promise<void>;
}
