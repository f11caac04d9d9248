import * as z from 'zod/mini';
import { codebaseSpecSchema } from './codebase-spec.ts';
import { idSchema, jsonObjectSchema, jsonSchema, textSchema, timeSchema, wordSchema } from './fields.ts';
import { classNameSchema, entryPointSchema } from './model.ts';

/** Kinds of entities that an input or output may be of: each is found by its reference. */
export const ENTITY_TYPES = [
  'Project',
  'Dataset',
  'Item',
  'Annotation',
  'Recipe',
  'Ontology',
  'Model',
  'Snapshot',
  'Execution',
  'Package',
  'Service',
] as const;
export type EntityType = (typeof ENTITY_TYPES)[number];

/** Types of plain values. */
export const PLAIN_TYPES = ['Json', 'String', 'Number', 'Integer', 'Float', 'Boolean'] as const;
export type PlainType = (typeof PLAIN_TYPES)[number];

/** Types of inputs and outputs, each also as a list, `X[]`. Wire: docs/WIRE.md, Inputs and outputs. */
export type DeclaredType = EntityType | PlainType | `${EntityType}[]` | `${PlainType}[]`;

const DECLARED_TYPES: readonly string[] = [...ENTITY_TYPES, ...PLAIN_TYPES].flatMap((type) => [
  type,
  `${type}[]`,
]);

const declaredTypeSchema = z.string().check(
  z.refine((type) => DECLARED_TYPES.includes(type), {
    error: `is to be one of ${[...ENTITY_TYPES, ...PLAIN_TYPES].join(', ')}, or a list of one as Item[]`,
  }),
) as unknown as z.ZodMiniType<DeclaredType>;

/** A name in code: of an input, an output or a method. */
const identifierSchema = z.string().check(
  z.maxLength(128),
  z.regex(/^[A-Za-z_][\w]*$/, 'is not a name of letters, digits and underscores'),
  z.refine((name) => !(name in Object.prototype), 'is a name that every object has; take another one'),
);

export const declaredInputSchema = z.object({
  name: identifierSchema,
  type: declaredTypeSchema,
  description: z.optional(textSchema),
  /** Taken when a call does not give it. */
  value: z.optional(jsonSchema),
  /** A call may leave it out without a value to take its place. Default false. */
  optional: z.optional(z.boolean()),
  /** Of a Snapshot: its adapter, loaded, comes with it. Ours alone. */
  load: z.optional(z.boolean()),
});
export type DeclaredInput = z.output<typeof declaredInputSchema>;

export const declaredOutputSchema = z.object({
  name: identifierSchema,
  type: declaredTypeSchema,
  description: z.optional(textSchema),
});
export type DeclaredOutput = z.output<typeof declaredOutputSchema>;

export const declaredFunctionSchema = z.object({
  /** The method of the module's class. */
  name: identifierSchema,
  description: z._default(textSchema, ''),
  input: z._default(z.array(declaredInputSchema).check(z.maxLength(100)), []),
  output: z._default(z.array(declaredOutputSchema).check(z.maxLength(100)), []),
  displayName: z.optional(wordSchema),
  displayIcon: z.optional(textSchema),
});
export type DeclaredFunction = z.output<typeof declaredFunctionSchema>;

/** A class of the codebase, and those of its methods that can be called. */
export const packageModuleSchema = z.object({
  name: z._default(z.string().check(z.minLength(1), z.maxLength(128)), 'default_module'),
  className: z._default(classNameSchema, 'ServiceRunner'),
  entryPoint: z._default(entryPointSchema, 'main.py'),
  /** What the constructor is given, once a container. */
  initInputs: z._default(z.array(declaredInputSchema).check(z.maxLength(100)), []),
  functions: z._default(z.array(declaredFunctionSchema).check(z.maxLength(100)), []),
});
export type PackageModule = z.output<typeof packageModuleSchema>;

const requirementSchema = z.object({
  name: wordSchema,
  version: z.optional(wordSchema),
  operator: z.optional(wordSchema),
});

/** What a run reads of a package, as it was at one version. */
export const packageRevisionSchema = z.object({
  version: z.string(),
  codebase: z.optional(codebaseSpecSchema),
  modules: z.array(packageModuleSchema),
  updatedAt: timeSchema,
});
export type PackageRevision = z.output<typeof packageRevisionSchema>;

/** Code with the functions it offers. Wire: docs/WIRE.md, Packages. */
export const packageSchema = z.object({
  id: idSchema,
  /** Lower-case letters, digits and hyphens; one of a kind in the project. */
  name: z.string(),
  projectId: idSchema,
  version: z.string(),
  global: z.boolean(),
  type: z.string(),
  /** Absent until code is pushed. */
  codebase: z.optional(codebaseSpecSchema),
  modules: z.array(packageModuleSchema),
  serviceConfig: z.nullable(jsonObjectSchema),
  slots: z.nullable(z.array(jsonObjectSchema)),
  requirements: z.nullable(z.array(requirementSchema)),
  uiHooks: z.nullable(jsonSchema),
  /** The versions before the present one, oldest first. */
  revisions: z.optional(z.array(packageRevisionSchema)),
  creator: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type Package = z.output<typeof packageSchema>;

export const newPackageSchema = z.object({
  name: wordSchema,
  projectId: idSchema,
  global: z._default(z.boolean(), false),
  type: z._default(z.string().check(z.maxLength(64)), 'faas'),
  codebase: z.optional(codebaseSpecSchema),
  modules: z._default(z.array(packageModuleSchema).check(z.maxLength(20)), []),
  serviceConfig: z._default(z.nullable(jsonObjectSchema), null),
  slots: z._default(z.nullable(z.array(jsonObjectSchema).check(z.maxLength(100))), null),
  requirements: z._default(z.nullable(z.array(requirementSchema).check(z.maxLength(1_000))), null),
  uiHooks: z._default(z.nullable(jsonSchema), null),
});
