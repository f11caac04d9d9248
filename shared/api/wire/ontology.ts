import type { Ontology } from '../../entities/ontology.ts';
import type { Json, JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

/** The keys of the wire (docs/WIRE.md, Keys of the answers). */
export function ontologyToWire(ontology: Ontology, baseUrl: string): JsonObject {
  const { createdAt: _internal, roots, ...fields } = ontology;
  return { ...fields, roots: roots as unknown as Json, url: linkTo(baseUrl, 'ontologies', ontology.id) };
}
