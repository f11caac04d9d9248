import * as z from 'zod/mini';
import { BUCKET_TYPE_NAMES } from './entities/bucket-spec.ts';
import { gcsBucketNameSchema, gcsPrefixSchema, gcsProjectNameSchema } from './entities/gcs-names.ts';
import { readGitHosts } from './git/hosts.ts';
import { SECRET_NAME } from './secrets.ts';

/** Below the pauses between deliveries, so that a lost run is free again before the last of them. */
export const MAX_LEASE_SECONDS = 40;

type Setting = { schema: z.ZodMiniType<unknown>; takes: string; example: string };

const count = (least: number) => z.coerce.number().check(z.int(), z.gte(least));

/** An address without a path; what Google's own tools take without `http://` is taken too. */
const origin = z.pipe(
  z.string(),
  z.transform((text, context) => {
    const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
    if (url && /^https?:$/.test(url.protocol) && url.hostname !== '' && url.username === '')
      return url.origin;
    context.issues.push({ code: 'custom', input: text, message: 'no address' });
    return z.NEVER;
  }),
);

/** `gcs://<bucket>` or `gcs://<bucket>/<prefix>`. */
const contentPlace = z.pipe(
  z.string(),
  z.transform((text, context) => {
    const [, bucketName, prefix = ''] = /^gcs:\/\/([^/]+)(?:\/(.*))?$/.exec(text) ?? [];
    const isPlace =
      z.safeParse(gcsBucketNameSchema, bucketName).success && z.safeParse(gcsPrefixSchema, prefix).success;
    if (bucketName !== undefined && isPlace) return Object.freeze({ bucketName, prefix });
    context.issues.push({ code: 'custom', input: text, message: 'no place' });
    return z.NEVER;
  }),
);

/** `gcs://<bucket>/<prefix>?project=<id>`. */
const bucketPlace = z.pipe(
  z.string(),
  z.transform((text, context) => {
    const [, place = '', project] = /^(.*)\?project=([^&]+)$/.exec(text) ?? [];
    const found = z.safeParse(contentPlace, place);
    const projectName = z.safeParse(gcsProjectNameSchema, project);
    if (found.success && projectName.success)
      return Object.freeze({ ...found.data, projectName: projectName.data });
    context.issues.push({ code: 'custom', input: text, message: 'no bucket' });
    return z.NEVER;
  }),
);

const bucketTypes = z.pipe(
  z.string(),
  z.transform((text, context) => {
    const types = text.split(',').map((type) => type.trim());
    const found = z.safeParse(z.array(z.enum(BUCKET_TYPE_NAMES)), types);
    if (found.success) return Object.freeze(found.data);
    context.issues.push({ code: 'custom', input: text, message: 'no types of bucket' });
    return z.NEVER;
  }),
);

const roleArn = z.string().check(z.regex(/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/));
const ROLE_EXAMPLE = 'arn:aws:iam::123456789012:role/modelfn-dev';

const lambdaName = z.string().check(z.regex(/^[\w-]{1,64}$/));

/** Addresses and folders that hold packages, separated by ",". */
const packageSources = z.pipe(
  z.string(),
  z.transform((text, context) => {
    const sources = text.split(',').map((source) => source.trim());
    if (sources.every((source) => /^(https:\/\/[^/\s@]+|\/)[^\s%]*$/.test(source))) return sources;
    context.issues.push({ code: 'custom', input: text, message: 'not a list of sources' });
    return z.NEVER;
  }),
);

/** Names of secrets, separated by ",". */
const secretNames = z.pipe(
  z.string(),
  z.transform((text, context) => {
    const names = text.split(',').map((name) => name.trim());
    if (names.every((name) => SECRET_NAME.test(name))) return names;
    context.issues.push({ code: 'custom', input: text, message: 'not names of secrets' });
    return z.NEVER;
  }),
);

/** One row a setting: what it takes and an example, as the error shows them. */
export const SETTINGS = {
  MODELFN_HOME: { schema: z.string().check(z.minLength(1)), takes: 'a folder', example: '.modelfn' },
  MODELFN_STORE: {
    schema: z.string().check(z.minLength(1)),
    takes: 'the address of a store',
    example: 'sqlite:/data/store.sqlite',
  },
  MODELFN_CONTENT: {
    schema: contentPlace,
    takes: 'a bucket of Cloud Storage, with a prefix or without',
    example: 'gcs://my-contents/modelfn',
  },
  MODELFN_VISIBLE_WEIGHTS: {
    schema: bucketTypes,
    takes: `types of bucket, separated by ",": ${BUCKET_TYPE_NAMES.join(', ')}`,
    example: 'item,local',
  },
  MODELFN_BUCKET: {
    schema: bucketPlace,
    takes: 'a bucket of Cloud Storage and its project, with a prefix or without',
    example: 'gcs://my-weights/modelfn?project=my-project-123',
  },
  MODELFN_DISPATCH: {
    schema: z.string().check(z.regex(/^(self|arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:[\w-]{1,80})$/)),
    takes: 'self or the ARN of a state machine',
    example: 'self',
  },
  MODELFN_RELAY: { schema: lambdaName, takes: 'the name of a Lambda function', example: 'modelfn-dev-relay' },
  MODELFN_EVENT_BUS: {
    schema: z.string().check(z.regex(/^[\w./-]{1,256}$/)),
    takes: 'the name of an event bus',
    example: 'modelfn-dev',
  },
  MODELFN_EVENT_DEAD_LETTERS: {
    schema: z.url({ protocol: /^https?$/ }),
    takes: 'the address of an SQS queue',
    example: 'https://sqs.eu-west-1.amazonaws.com/123456789012/modelfn-dead-letters',
  },
  MODELFN_FUNCTIONS: {
    schema: z.string().check(z.regex(/^arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]*\*$/)),
    takes: "the ARN of Lambda functions, * in the place of a function's own name",
    example: 'arn:aws:lambda:eu-west-1:123456789012:function:modelfn-dev-*',
  },
  MODELFN_SCHEDULE_GROUP: {
    schema: z.string().check(z.regex(/^[\w.-]{1,64}$/)),
    takes: 'the name of a schedule group',
    example: 'modelfn-dev',
  },
  MODELFN_SCHEDULE_ROLE: { schema: roleArn, takes: 'the ARN of a role', example: ROLE_EXAMPLE },
  MODELFN_PIPELINES: {
    schema: z.string().check(z.regex(/^arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:[\w-]{1,38}\*$/)),
    takes: 'the ARN of state machines, * at the end of a name of at most 38 characters',
    example: 'arn:aws:states:eu-west-1:123456789012:stateMachine:modelfn-dev-pipeline-*',
  },
  MODELFN_PIPELINE_ROLE: { schema: roleArn, takes: 'the ARN of a role', example: ROLE_EXAMPLE },
  PORT: { schema: count(0).check(z.lte(65535)), takes: 'a port from 0 to 65535', example: '3700' },
  HOST: { schema: z.string().check(z.minLength(1)), takes: 'an address to listen on', example: '127.0.0.1' },
  MODELFN_LOCAL_ROOTS: {
    schema: z.string(),
    takes: 'folders separated by ":"',
    example: '/data/models:/scratch',
  },
  MODELFN_SNAPSHOT: {
    schema: z.string().check(z.minLength(1)),
    takes: 'a snapshot id',
    example: '61f8245d0f6f7a1100000040',
  },
  MODELFN_MAX_ITEM_BYTES: { schema: count(1), takes: 'a number of bytes', example: '1073741824' },
  MODELFN_MAX_IMAGE_BYTES: { schema: count(1), takes: 'a number of bytes', example: '300000000' },
  MODELFN_MAX_UNREADABLE_SHARE: {
    schema: z.coerce.number().check(z.gte(0), z.lte(1)),
    takes: 'a share from 0 to 1',
    example: '0.01',
  },
  MODELFN_STORAGE_PATIENCE_SECONDS: {
    schema: count(0).check(z.lte(3600)),
    takes: 'a number of seconds from 0 to 3600',
    example: '60',
  },
  MODELFN_CACHE_BYTES: { schema: count(0), takes: 'a number of bytes', example: '10737418240' },
  MODELFN_MAX_LOADED_SNAPSHOTS: { schema: count(1), takes: 'a number from 1', example: '8' },
  MODELFN_LOADED_BYTES: { schema: count(0), takes: 'a number of bytes', example: '1073741824' },
  MODELFN_WORKERS: { schema: count(1), takes: 'a number from 1', example: '2' },
  MODELFN_LEASE_SECONDS: {
    schema: count(1).check(z.lte(MAX_LEASE_SECONDS)),
    takes: `a number of seconds from 1 to ${MAX_LEASE_SECONDS}`,
    example: '30',
  },
  MODELFN_LOG_LEVEL: {
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
    takes: 'debug, info, warn, error or silent',
    example: 'info',
  },
  MODELFN_GIT_HOSTS: {
    schema: z.string().check(z.refine((text) => readGitHosts(text) !== undefined)),
    takes: 'hosts, or origins (https, http, ssh), separated by ","',
    example: 'github.com,https://git.example.org:8443,ssh://git@git.example.org',
  },
  MODELFN_GCS_CREDENTIALS: {
    schema: z.string(),
    takes:
      'adc, anonymous, the path of a key file, or the name of a variable MODELFN_SECRET_... that holds the key',
    example: '/secrets/gcs-key.json',
  },
  MODELFN_GCS_ENDPOINT: {
    schema: origin,
    takes: 'an http or https address',
    example: 'http://127.0.0.1:4443',
  },
  STORAGE_EMULATOR_HOST: { schema: origin, takes: 'the address of an emulator', example: '127.0.0.1:4443' },
  MODELFN_GCS_BUCKETS: {
    schema: z.string(),
    takes: 'buckets, or bucket/prefix, separated by ","',
    example: 'my-weights,shared-models/team-a',
  },
  MODELFN_PYTHON: {
    schema: z.string().check(z.minLength(1)),
    takes: 'the name or path of a Python',
    example: '/usr/bin/python3',
  },
  MODELFN_PYTHON_SOURCES: {
    schema: packageSources,
    takes: 'https addresses and absolute folders separated by ","',
    example: 'https://download.pytorch.org/whl,/srv/wheels',
  },
  MODELFN_PYTHON_INSTALL_SECONDS: {
    schema: count(1).check(z.lte(86_400)),
    takes: 'a number of seconds from 1 to 86400',
    example: '1800',
  },
  MODELFN_ADAPTER_SECRETS: {
    schema: secretNames,
    takes: 'names of variables MODELFN_SECRET_... separated by ","',
    example: 'MODELFN_SECRET_HUB_TOKEN',
  },
  MODELFN_PYTHON_MEMORY_BYTES: { schema: count(1), takes: 'a number of bytes', example: '4294967296' },
} as const satisfies Record<string, Setting>;
