import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { isJsonObject, type Json } from '../../shared/json.ts';
import type { Log } from '../../shared/log.ts';

/** A longer line is told in pieces, so that a worker cannot fill the server's memory. */
const MAX_LINE_LENGTH = 64 * 1024;

/**
 * Passes what a worker writes to the server's log, line by line. A line of the worker's own log keeps its level and
 * fields; any other is told as it is.
 */
export function relayOutput(stream: Readable, functionName: string, log: Log): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_LENGTH) {
      lines.push(rest);
      rest = '';
    }
    for (const line of lines) relayLine(line, functionName, log);
  });
  stream.on('end', () => relayLine(rest + decoder.end(), functionName, log));
  // A broken pipe is told by the end of the process.
  stream.on('error', () => {});
}

function relayLine(line: string, functionName: string, log: Log): void {
  if (line.trim() === '') return;
  const entry = readEntry(line);
  if (entry === undefined) {
    log.info(line.slice(0, MAX_LINE_LENGTH), { function: functionName });
    return;
  }
  const { time: _time, level, message, ...fields } = entry;
  log[level](message, { function: functionName, ...fields });
}

type Entry = { [field: string]: Json } & { level: keyof Log; message: string };

function readEntry(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isEntry(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is Entry {
  return (
    isJsonObject(value) &&
    typeof value.message === 'string' &&
    ['debug', 'info', 'warn', 'error'].includes(String(value.level))
  );
}
