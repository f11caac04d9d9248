import type { Ontology } from '../../entities/ontology.ts';
import type { Json, JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

/** The keys of contract section 14. */
export function ontologyToWire(ontology: Ontology, baseUrl: string): JsonObject {
  const { createdAt: _internal, roots, ...fields } = ontology;
  return { ...fields, roots: roots as unknown as Json, url: linkTo(baseUrl, 'ontologies', ontology.id) };
}
