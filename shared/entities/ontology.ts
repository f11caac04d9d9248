import * as z from 'zod/mini';
import { idSchema, jsonObjectSchema, jsonSchema, timeSchema, wordSchema } from './fields.ts';

/** Labels of one level. Large ontologies have some 20,000. */
const MAX_LABELS = 100_000;
const MAX_ATTRIBUTES = 1_000;
const labelText = z.string().check(z.maxLength(1_024));

/** One label and the labels below it. `tag` is the leaf name; the full label joins tags with dots. */
export interface OntologyNode {
  value: {
    tag: string;
    displayLabel: string;
    /** `#rrggbb`; never null, the client cannot update a label without one. */
    color: string;
    attributes: z.output<typeof jsonSchema>[];
    displayData: z.output<typeof jsonObjectSchema>;
  };
  children: OntologyNode[];
}

const colorSchema = z.string().check(z.regex(/^#[0-9a-fA-F]{6}$/, 'is not a colour like #14638f'));

export const ontologyNodeSchema: z.ZodMiniType<OntologyNode> = z.object({
  value: z.object({
    tag: z.string().check(z.minLength(1)),
    displayLabel: z.string(),
    color: colorSchema,
    attributes: z.array(jsonSchema),
    displayData: jsonObjectSchema,
  }),
  get children() {
    return z.array(ontologyNodeSchema);
  },
});

/** The labels and attributes a dataset's annotations may use. Wire: docs/WIRE.md, Recipes and ontologies. */
export const ontologySchema = z.object({
  id: idSchema,
  title: z.nullable(z.string()),
  creator: z.string(),
  roots: z.array(ontologyNodeSchema),
  attributes: z.array(jsonSchema),
  /** `system.projectIds` lists the projects that may use it. */
  metadata: jsonObjectSchema,
  createdAt: z.optional(timeSchema),
});
export type Ontology = z.output<typeof ontologySchema>;

/** One entry of `PATCH /ontologies/{id}/labels`; nesting is by dots in `tag`. */
export const labelNodeSchema = z.object({
  tag: z.string().check(z.minLength(1), z.maxLength(255)),
  color: z.nullish(wordSchema),
  displayLabel: z.nullish(labelText),
  attributes: z.nullish(z.array(jsonSchema).check(z.maxLength(MAX_ATTRIBUTES))),
  displayData: z.nullish(jsonObjectSchema),
});
export type LabelNode = z.output<typeof labelNodeSchema>;

export const newOntologySchema = z.object({
  projectIds: z.array(idSchema).check(z.minLength(1), z.maxLength(100)),
  title: z._default(z.nullable(wordSchema), null),
  /** Roots as the client sends them: parts of a node may be missing; the catalog completes them. */
  roots: z._default(z.array(jsonObjectSchema).check(z.maxLength(MAX_LABELS)), []),
  attributes: z._default(z.array(jsonSchema).check(z.maxLength(MAX_ATTRIBUTES)), []),
});
export type NewOntology = z.input<typeof newOntologySchema>;

/** Full labels of an ontology, parents before children, in order. */
export function labelsOf(ontology: Pick<Ontology, 'roots'>): string[] {
  const labels: string[] = [];
  const walk = (nodes: readonly OntologyNode[], prefix: string): void => {
    for (const node of nodes) {
      labels.push(prefix + node.value.tag);
      walk(node.children, `${prefix}${node.value.tag}.`);
    }
  };
  walk(ontology.roots, '');
  return labels;
}
