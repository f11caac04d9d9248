import { hasStatus, isDamage, isPassing } from './failures.ts';
import { ask, OBJECT_FIELDS, readObject, type StoredObject, uploadTarget } from './object-call.ts';
import { Retries } from './retries.ts';
import { checkStored, findStored, isOwn, resourceOf, type Upload } from './upload.ts';

/** Uploads bytes in one request. `undefined`: the name is taken, and `ifAbsent` was asked for. */
export async function uploadWhole(work: Upload, bytes: Uint8Array): Promise<StoredObject | undefined> {
  const { place, ifAbsent, signal } = work;
  const retries = new Retries(place.pace, signal);
  for (let replaced = ifAbsent ? undefined : await findStored(work); ; ) {
    try {
      return await checkStored(work, await send(work, bytes, replaced?.generation ?? '0'));
    } catch (error) {
      const isMoved = hasStatus(error, 412);
      if (!isMoved && !isDamage(error) && !isPassing(error)) throw error;
      const stored = isMoved || !ifAbsent ? await findStored(work) : undefined;
      if (isOwn(work, stored)) return stored;
      if (isMoved && ifAbsent && stored) return undefined;
      // Somebody else was faster, or the answer was lost: once more, over what is there now.
      replaced = stored;
      await retries.pause(error);
    }
  }
}

async function send(work: Upload, bytes: Uint8Array, generation: string): Promise<StoredObject> {
  const { place, name, signal, checksum, id } = work;
  const { crc32c, md5 } = checksum.sums();
  const boundary = `modelfn-${id}`;
  const resource = JSON.stringify({ ...resourceOf(work), name, crc32c, md5Hash: md5 });
  const head = `--${boundary}\r\ncontent-type: application/json; charset=utf-8\r\n\r\n${resource}\r\n`;
  const body = Buffer.concat([
    Buffer.from(`${head}--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`),
    bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  const query = { uploadType: 'multipart', name, ifGenerationMatch: generation, fields: OBJECT_FIELDS };
  const target = uploadTarget(place, query);
  const headers = { 'content-type': `multipart/related; boundary=${boundary}` };
  return readObject(await ask(place, { method: 'POST', target, headers, body, signal }, 200, 201));
}
