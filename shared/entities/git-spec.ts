import * as z from 'zod/mini';
import { gitPathProblem, gitRefProblem, readGitUrl } from '../git/address.ts';
import { DEFAULT_BRANCH } from '../git/resolve-ref.ts';
import { SECRET_NAME } from '../secrets.ts';

/** Names the environment variable that holds a secret; the secret itself is nowhere in an entity. */
const secretReferenceSchema = z.strictObject({
  key: z
    .string()
    .check(
      z.regex(
        SECRET_NAME,
        'is not the name of an environment variable that starts with MODELFN_SECRET_ (write the name, never the secret)',
      ),
    ),
});

/** The fields of a place in a git repository, of a codebase as of a bucket. */
export const gitFields = {
  /** https, http, ssh or file; ends in `.git`, holds no user and no password. */
  gitUrl: z.string().check(
    told((url) => {
      const address = readGitUrl(url);
      return 'problem' in address ? address.problem : undefined;
    }),
  ),
  /** A branch, a tag, or a commit. `HEAD`, which a missing, null or empty one becomes, is the default branch. */
  gitTag: z.pipe(
    z.pipe(
      z.optional(z.nullable(z.string())),
      z.transform((name) => name || DEFAULT_BRANCH),
    ),
    z.string().check(told(gitRefProblem)),
  ),
  /** A folder inside the repository; the whole of it when missing. */
  gitPath: z.optional(z.string().check(told(gitPathProblem))),
  credentials: z.optional(
    z.strictObject({
      username: z.optional(secretReferenceSchema),
      password: z.optional(secretReferenceSchema),
    }),
  ),
} as const;

const gitSpecSchema = z.object(gitFields);
export type GitSpec = z.output<typeof gitSpecSchema>;

/** A check whose message is the problem itself. It never repeats the value: a URL may hold a password. */
function told(problemOf: (value: string) => string | undefined) {
  return z.check<string>((context) => {
    const problem = problemOf(context.value);
    if (problem !== undefined)
      context.issues.push({ code: 'custom', message: problem, input: context.value, continue: true });
  });
}
