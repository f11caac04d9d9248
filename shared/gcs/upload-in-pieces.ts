import type { Answer } from './exchange.ts';
import {
  ConnectionFailure,
  DamageFailure,
  hasStatus,
  isDamage,
  isPassing,
  SessionLostFailure,
} from './failures.ts';
import { ask, readObject, type StoredObject, uploadTarget } from './object-call.ts';
import type { Piece } from './pieces.ts';
import { Retries } from './retries.ts';
import { checkStored, findStored, isOwn, resourceOf, type Upload } from './upload.ts';

/** Where the session stands: complete, or the count of bytes it holds. */
type State = { stored: StoredObject } | { held: number };

const RESUME_INCOMPLETE = 308;

/**
 * Uploads through a session, a piece at a time. `first` is the first piece, summed already; `next` gives the others.
 * A session that fails is given up: nothing of it was seen by anyone.
 * @throws SessionLostFailure when the session is gone before its end
 * Protocol: https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
export async function uploadInPieces(
  work: Upload,
  first: Uint8Array,
  next: () => Promise<IteratorResult<Piece>>,
): Promise<StoredObject | undefined> {
  let session: string | undefined;
  try {
    session = await openSession(work);
    let piece: Piece = { bytes: first, isLast: false };
    for (let start = 0; ; ) {
      const coming = piece.isLast ? undefined : ahead(next, work);
      const stored = await sendPiece(work, session, piece, start);
      if (stored) return await checkStored(work, stored);
      start += piece.bytes.byteLength;
      piece = await coming!;
    }
  } catch (error) {
    // A session that is gone may be gone because it was completed, by a request whose answer was lost.
    const stored = hasStatus(error, 404, 410, 412) ? await findStored(work) : undefined;
    if (isOwn(work, stored)) return stored;
    if (session !== undefined) await cancel(work, session);
    if (hasStatus(error, 412) && work.ifAbsent && stored !== undefined) return undefined;
    throw session !== undefined && hasStatus(error, 404, 410) ? new SessionLostFailure(error) : error;
  }
}

/** Reads and sums the next piece while the one before it is on its way. Who gives up does not hear of its failure. */
function ahead(next: () => Promise<IteratorResult<Piece>>, { checksum }: Upload): Promise<Piece> {
  const coming = next().then((step) => {
    if (step.done === true) throw new TypeError('a source ends with its last piece');
    checksum.update(step.value.bytes);
    return step.value;
  });
  coming.catch(() => undefined);
  return coming;
}

async function openSession(work: Upload): Promise<string> {
  const { place, name, ifAbsent, signal } = work;
  const replaced = ifAbsent ? undefined : await findStored(work);
  const target = uploadTarget(place, {
    uploadType: 'resumable',
    name,
    ifGenerationMatch: replaced?.generation ?? '0',
  });
  const body = Buffer.from(JSON.stringify({ ...resourceOf(work), name }));
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return new Retries(place.pace, signal).run(async () => {
    const answer = await ask(place, { method: 'POST', target, headers, body, signal }, 200, 201);
    await drain(answer);
    return sessionTarget(answer.headers.location);
  });
}

/** Only path and query are taken over: the session's address must not lead to another host. */
function sessionTarget(location: string | undefined): string {
  const url = location === undefined ? null : URL.parse(location, 'http://relative');
  if (url === null) throw new ConnectionFailure('the answer names no upload session');
  return url.pathname + url.search;
}

/** Sends a piece until the session holds all of it; answers the object after the last. */
async function sendPiece(
  work: Upload,
  session: string,
  { bytes, isLast }: Piece,
  start: number,
): Promise<StoredObject | undefined> {
  const { place, signal } = work;
  const retries = new Retries(place.pace, signal);
  const end = start + bytes.byteLength;
  let isUnsure = false;
  for (let held = start; ; ) {
    try {
      const isProbe = isUnsure;
      const state = isProbe
        ? await askState(work, session, isLast ? end : undefined)
        : await sendRest(work, session, { bytes: bytes.subarray(held - start), isLast, start: held, end });
      isUnsure = false;
      if ('stored' in state) {
        if (isLast) return state.stored;
        throw new DamageFailure('the session was complete before its end');
      }
      if (state.held < held)
        throw new SessionLostFailure(new DamageFailure('it holds fewer bytes than before'));
      if (state.held > end) throw new DamageFailure('the session holds other bytes than were sent');
      if (state.held > held) retries.progressed();
      if (state.held === held && !isProbe)
        await retries.pause(new ConnectionFailure('the session took nothing'));
      held = state.held;
      if (held === end && !isLast) return undefined;
    } catch (error) {
      // A piece that arrived after all leaves its second sending without a place: the session tells where it stands.
      const isMisplaced = hasStatus(error, 400) && !isDamage(error);
      if (!isMisplaced && !isPassing(error)) throw error;
      await retries.pause(error);
      isUnsure = true;
    }
  }
}

function sendRest(
  work: Upload,
  session: string,
  rest: { bytes: Uint8Array; isLast: boolean; start: number; end: number },
): Promise<State> {
  const { bytes, isLast, start, end } = rest;
  const span = bytes.byteLength === 0 ? '*' : `${start}-${end - 1}`;
  return put(work, session, span, isLast ? end : undefined, bytes);
}

function askState(work: Upload, session: string, total: number | undefined): Promise<State> {
  return put(work, session, '*', total);
}

/**
 * Every request that names the total may complete the session, also one that only asks: so each of them carries the
 * checksum, which is held against all the bytes of the session before the object is seen.
 */
async function put(
  { place, signal, checksum }: Upload,
  target: string,
  span: string,
  total: number | undefined,
  body?: Uint8Array,
): Promise<State> {
  const headers = {
    'content-range': `bytes ${span}/${total ?? '*'}`,
    ...(total !== undefined && { 'x-goog-hash': `crc32c=${checksum.sums().crc32c}` }),
  };
  const question = { method: 'PUT', target, headers, signal, ...(body && { body }) } as const;
  const answer = await ask(place, question, 200, 201, RESUME_INCOMPLETE);
  if (answer.status !== RESUME_INCOMPLETE) return { stored: await readObject(answer) };
  await drain(answer);
  const [, last] = /^bytes=0-(\d+)$/.exec(answer.headers.range ?? '') ?? [];
  return { held: last === undefined ? 0 : Number(last) + 1 };
}

async function drain({ body }: Answer): Promise<void> {
  for await (const _chunk of body);
}

/** Frees what the session holds; it would go by itself after a week. One that cannot be reached is left to that. */
async function cancel({ place, signal }: Upload, target: string): Promise<void> {
  const cancelled = ask(place, { method: 'DELETE', target }, 204, 499).then(drain, () => {});
  // Who stopped the upload does not wait for it.
  if (!signal?.aborted) await cancelled;
}
