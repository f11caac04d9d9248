import { inspect } from 'node:util';
import { environmentRedactor } from '../../shared/config.ts';
import type { Json } from '../../shared/json.ts';
import { maskedErrorBody } from '../../shared/redact.ts';
import type { CliIo } from '../io.ts';
import { hintFor } from './hints.ts';
import { visible } from './table.ts';

/** What the person asked of every command. */
export interface OutputMode {
  /** One JSON document on stdout, whatever happens. */
  json: boolean;
  /** Stack traces, and the log of the functions. */
  verbose: boolean;
}

/** What a command answers: the same for programs and for people. */
export interface Reply {
  json: Json;
  text: string;
}

export function printReply(io: CliIo, { json, text }: Reply, mode: Pick<OutputMode, 'json'>): void {
  if (mode.json) io.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  else if (text !== '') io.stdout.write(`${text}\n`);
}

/** For people on stderr, what and advice without a stack; for programs `{ "error": ... }` on stdout as well. */
export function printError(io: CliIo, error: unknown, { json, verbose }: OutputMode): void {
  const redact = environmentRedactor(io.env);
  const body = maskedErrorBody(error, redact);
  if (json) io.stdout.write(`${JSON.stringify({ error: { ...body } }, null, 2)}\n`);
  const hint = hintFor(body.code);
  io.stderr.write(`modelfn: ${visible(body.message)}\n${hint === undefined ? '' : `  ${hint}\n`}`);
  if (verbose) io.stderr.write(`${redact(inspect(error))}\n`);
}
