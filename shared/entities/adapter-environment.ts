import * as z from 'zod/mini';
import { SECRET_NAME } from '../secrets.ts';
import { jsonObjectSchema } from './fields.ts';

const OLDEST_MINOR = 8;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,100}$/;
/** Variables that modelfn sets itself, that decide what is executed, or that a run depends on to be repeatable. */
const RESERVED = /^(MODELFN_.*|PYTHON.*|PIP_.*|LD_.*|DATALOOP_PATH|HOME|PATH|TMPDIR)$/;
/** A value under such a name would be stored in clear. */
const SECRET_LIKE = /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|API_?KEY|ACCESS_KEY|PRIVATE_KEY)$/i;

const lineSchema = z
  .string()
  .check(z.minLength(1), z.maxLength(2000), z.regex(/^[^\r\n]*$/, 'has several lines'));
const linesSchema = z.array(lineSchema).check(z.maxLength(500));

/** Without a key `__proto__`, which a record loses. Its values are checked by the schema behind it. */
const plainObject = jsonObjectSchema as unknown as z.ZodMiniType<Record<string, string>>;

/** Variables by their names. Names are checked on the whole, as the problem of a key has no words of its own. */
const byVariable = (value: z.ZodMiniString<string>) =>
  z.pipe(plainObject, z.record(z.string(), value)).check(
    z.refine(
      (variables) => names(variables).every((name) => VARIABLE.test(name)),
      'has a name that is not the name of a variable',
    ),
    z.refine(
      (variables) => !names(variables).some((name) => RESERVED.test(name)),
      'has a variable that is set by modelfn',
    ),
    z.refine((variables) => names(variables).length <= 100, 'has more than 100 variables'),
  );

const names = (variables: unknown): string[] => Object.keys(variables as object);

const variablesSchema = byVariable(
  z.string().check(z.maxLength(8192), z.regex(/^[^\0]*$/, 'has a NUL')),
).check(
  z.refine(
    (variables) => !names(variables).some((name) => SECRET_LIKE.test(name)),
    'has a name of a secret, such as ..._TOKEN, and would be stored in clear; put the secret into a variable MODELFN_SECRET_... of the server, and its name into "secrets"',
  ),
);

const secretNameSchema = z
  .string()
  .check(z.regex(SECRET_NAME, 'is not the name of a secret, such as MODELFN_SECRET_HUB_TOKEN'));

/** Environment of the process of an adapter in Python. Every field is optional. */
export const adapterEnvironmentSchema = z
  .strictObject({
    /** Version of Python, such as `3.8` or `3.8.20`. The server's own Python when it is missing. */
    python: z.optional(
      z.string().check(
        z.regex(/^3\.\d{1,2}(\.\d{1,2})?$/, 'is not a version of Python, such as "3.8" or "3.8.20"'),
        z.refine(
          (version) => Number(version.split('.')[1]) >= OLDEST_MINOR,
          `is too old: adapters run on Python 3.${OLDEST_MINOR} or later`,
        ),
      ),
    ),
    /** `codebase` installs its `requirements.txt`, `none` nothing; a list of lines is installed in its place. */
    requirements: z.optional(z.union([z.enum(['codebase', 'none']), linesSchema])),
    /** Lines of requirements that are installed in addition. */
    packages: z.optional(linesSchema),
    /** Variables of the process, in clear. */
    variables: z.optional(variablesSchema),
    /** Variables of the process by the name of the server's secret that each gets; never the secret itself. */
    secrets: z.optional(byVariable(secretNameSchema)),
  })
  .check(
    z.refine(
      ({ variables = {}, secrets = {} }) =>
        !Object.keys(secrets).some((name) => Object.hasOwn(variables, name)),
      'has a variable both in "variables" and in "secrets"',
    ),
  );
export type AdapterEnvironment = z.output<typeof adapterEnvironmentSchema>;
