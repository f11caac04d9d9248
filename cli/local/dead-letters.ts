import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatasetEvent } from '../../shared/entities/dataset-event.ts';
import type { ErrorBody } from '../../shared/errors.ts';

/** A change that a function could not be told of. */
export interface DeadLetter {
  time: string;
  functionName: string;
  attempts: number;
  event: DatasetEvent;
  error: ErrorBody;
}

/** Appends one line of JSON, flushed to the disk before it resolves. */
export async function appendDeadLetter(path: string, letter: DeadLetter): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(letter)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}
