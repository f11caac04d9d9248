import * as z from 'zod/mini';
import { relativePathProblem } from '../content/relative-path.ts';

/** The project that owns the bucket: its id, of old domains too (`example.com:my-project`). */
export const gcsProjectNameSchema = z
  .string()
  .check(
    z.regex(
      /^([a-z0-9.-]{1,100}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
      'is no project id, such as "my-project-123"',
    ),
  );

/** A bucket's name. Rules: https://cloud.google.com/storage/docs/buckets#naming */
export const gcsBucketNameSchema = checked(bucketNameProblem);

/** A path below which all objects lie, such as `models/digits`; may be empty, and may end in one slash. */
export const gcsPrefixSchema = checked((prefix) =>
  prefix === '' ? undefined : relativePathProblem(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix),
);

/** The name of one object, such as `code/adapter.zip`. */
export const gcsObjectNameSchema = checked(relativePathProblem);

function checked(problemOf: (text: string) => string | undefined) {
  return z.string().check(
    z.superRefine((text: string, context) => {
      const problem = problemOf(text);
      if (problem !== undefined) context.addIssue(problem);
    }),
  );
}

function bucketNameProblem(name: string): string | undefined {
  const parts = name.split('.');
  if (name.length < 3 || name.length > 222 || parts.some((part) => part.length > 63))
    return 'it is no bucket name: it needs 3 to 63 characters (222 with dots, 63 between them)';
  if (!/^[a-z0-9][a-z0-9._-]*[a-z0-9]$/.test(name))
    return 'it is no bucket name: only a-z, 0-9, "-", "_" and "." are allowed, with a letter or digit at both ends';
  if (parts.some((part) => part === '' || part.startsWith('-') || part.endsWith('-')) && parts.length > 1)
    return 'it is no bucket name: between dots it must read like a domain';
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(name)) return 'it is no bucket name: it is an IP address';
  if (name.startsWith('goog') || name.includes('google'))
    return 'it is no bucket name: those of Google are reserved';
  return undefined;
}
