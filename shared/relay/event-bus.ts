import * as z from 'zod/mini';
import { type CallAws, isOk, jsonCall, refusalOf } from './aws-caller.ts';
import type { BusEntry } from './bus-entry.ts';

/** What became of an entry: nothing more to say, or why it was not taken. */
export type Taken = { readonly code?: undefined } | { readonly code: string; readonly reason: string };

const answerSchema = z.object({
  Entries: z.array(z.object({ ErrorCode: z.nullish(z.string()), ErrorMessage: z.nullish(z.string()) })),
});

/**
 * Puts entries on the bus; answers for each, in order, whether it was taken. A call that was refused took none.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * @throws RelayRefused when AWS could not be asked
 */
export async function putEvents(call: CallAws, batch: readonly BusEntry[]): Promise<Taken[]> {
  const Entries = batch.map(({ sent }) => sent);
  const answer = await call('events', jsonCall('events', 'AWSEvents.PutEvents', { Entries }, '1.1'));
  const read = isOk(answer) ? answerSchema.safeParse(jsonOf(answer.text)) : undefined;
  if (!read?.success || read.data.Entries.length !== batch.length)
    return batch.map(() => ({ code: 'CallRefused', reason: refusalOf(answer) }));
  return read.data.Entries.map(({ ErrorCode, ErrorMessage }) =>
    ErrorCode ? { code: ErrorCode, reason: ErrorMessage ?? ErrorCode } : {},
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
