import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { messageOf } from '../shared/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../shared/json.ts';
import { WrongUsage } from './errors.ts';
import type { CliIo } from './io.ts';

/** A finite number. */
export function numberOption(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It is to be a number.');
  return value;
}

/** A value of a curve: a number, `NaN`, `Infinity` or `-Infinity`. */
export function metricOption(text: string): number {
  return /^(?:NaN|-?Infinity)$/.test(text) ? Number(text) : numberOption(text);
}

/** A whole number from 0. */
export function wholeOption(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError('It is to be a whole number from 0.');
  return value;
}

/** Words between commas; empty ones are dropped. */
export function listOption(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** A JSON object given as text, or as `@file`. `undefined` stays so. @throws WrongUsage */
export async function jsonObjectOption(
  io: Pick<CliIo, 'cwd'>,
  option: string,
  text: string | undefined,
): Promise<JsonObject | undefined> {
  if (text === undefined) return undefined;
  const value = await jsonOption(io, option, text);
  if (isJsonObject(value)) return value;
  throw new WrongUsage(
    `${option} takes a JSON object such as ${exampleOf(option)}, not ${shorten(JSON.stringify(value))}.`,
  );
}

async function jsonOption({ cwd }: Pick<CliIo, 'cwd'>, option: string, text: string): Promise<Json> {
  const source = text.startsWith('@') ? await readText(cwd, option, text.slice(1)) : text;
  try {
    return JSON.parse(source) as Json;
  } catch (error) {
    throw new WrongUsage(
      `${option} is no JSON: ${messageOf(error)}. Quote it for the shell, as in ${option} '${exampleOf(option)}', or put it into a file and give ${option} @file.json.`,
      { cause: error },
    );
  }
}

async function readText(cwd: string, option: string, path: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, path), 'utf8');
  } catch (error) {
    throw new WrongUsage(`${option}: the file ${JSON.stringify(path)} cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

function exampleOf(option: string): string {
  if (option === '--inputs') return '{"dataset": {"name": "digits"}}';
  if (option === '--filter') return '{"dir": "/cats"}';
  return option === '--bucket' ? '{"type": "local"}' : '{"C": 10}';
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The input `maxUnreadableShare` of a function, if the option was given. */
export function maxUnreadableShare(options: { maxUnreadableShare?: number }): JsonObject {
  const share = options.maxUnreadableShare;
  return share === undefined ? {} : { maxUnreadableShare: share };
}
