import { createHash, randomUUID } from 'node:crypto';

/** Source of new ids; a test hands in its own. */
export interface Ids {
  /** 24 hex digits, the alphabet of the platform's items and annotations. */
  objectId(): string;
  uuid(): string;
}

/** Ids from the system's random source. The first 8 digits of an object id are the time in seconds, so that ids sort by age. */
export function systemIds(now: () => number = Date.now): Ids {
  return {
    objectId: () =>
      Math.floor(now() / 1000)
        .toString(16)
        .padStart(8, '0')
        .slice(-8) + randomDigits(),
    uuid: randomUUID,
  };
}

/** 16 hex digits. Of a UUID, whose randomness Node fetches in bulk, all but the digits of version and variant. */
function randomDigits(): string {
  const uuid = randomUUID();
  return uuid.slice(0, 8) + uuid.slice(28);
}

/** An object id that depends on its parts alone: the same parts always give the same id. */
export function derivedId(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24);
}

/** True for 24 lower-case hex digits. */
export function isObjectId(text: string): boolean {
  return /^[0-9a-f]{24}$/.test(text);
}
