import type { FileWindow } from './file-window.ts';

/** One field of a message in protobuf's wire format (protobuf.dev, "Encoding"). */
export interface Field {
  readonly number: number;
  /** The number of a varint field; 0 for all others. Beyond 2^53 it is no longer exact. */
  readonly value: number;
  /** It has a length: a message, a text, or numbers one after the other. */
  readonly isPacked: boolean;
  /** Where its content lies. */
  readonly from: number;
  readonly to: number;
}

/** Bytes that are not in protobuf's wire format. */
export class ProtobufMalformed extends Error {}

/** The fields of the message that lies in `from`..`to`, one after the other. @throws ProtobufMalformed */
export function* fieldsOf(file: FileWindow, from: number, to: number): Generator<Field> {
  let at = from;
  while (at < to) {
    const tag = varint(file, at, to);
    const number = Math.floor(tag.value / 8);
    const wire = tag.value % 8;
    if (number < 1 || number >= 2 ** 29) throw new ProtobufMalformed(`no field at byte ${at}`);
    if (wire === 0) {
      const { value, next } = varint(file, tag.next, to);
      yield { number, value, isPacked: false, from: tag.next, to: next };
      at = next;
      continue;
    }
    const content = wire === 2 ? varint(file, tag.next, to) : { value: fixedSize(wire, at), next: tag.next };
    const end = content.next + content.value;
    if (!(end <= to)) throw new ProtobufMalformed(`the field at byte ${at} is cut off`);
    yield { number, value: 0, isPacked: wire === 2, from: content.next, to: end };
    at = end;
  }
}

/** The varints of a packed field, at most `most`. */
export function packedNumbers(file: FileWindow, { from, to }: Field, most: number): number[] {
  const numbers: number[] = [];
  for (let at = from; at < to && numbers.length < most; ) {
    const { value, next } = varint(file, at, to);
    numbers.push(signed(value));
    at = next;
  }
  return numbers;
}

/** A varint as an int64: negative ones come as numbers near 2^64. */
export function signed(value: number): number {
  return value >= 2 ** 63 ? value - 2 ** 64 : value;
}

export function textOf(file: FileWindow, { from, to }: Field, most = 4096): string {
  return new TextDecoder().decode(file.bytes(from, Math.min(to - from, most)));
}

function fixedSize(wire: number, at: number): number {
  if (wire === 1) return 8;
  if (wire === 5) return 4;
  throw new ProtobufMalformed(`no field at byte ${at}`);
}

function varint(file: FileWindow, from: number, to: number): { value: number; next: number } {
  let value = 0;
  let factor = 1;
  for (let at = from; at < to && at < from + 10; at += 1) {
    const byte = file.byte(at);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, next: at + 1 };
    factor *= 128;
  }
  throw new ProtobufMalformed(`no number at byte ${from}`);
}
