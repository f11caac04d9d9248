import type { LayoutWriter } from '../../adapters/model-adapter.ts';
import type { Json, JsonObject } from '../json.ts';
import type { LossReport } from './loss-report.ts';

/**
 * What an annotation says, without who said it and when: ids, authors and times belong to the store and are in no format.
 * `coordinates` have the wire's shape for the type.
 */
export interface FormatAnnotation {
  type: string;
  label: string;
  attributes: Json;
  coordinates?: Json;
  metadata: JsonObject;
  labelSuggestions?: Json;
}

/** One file with what is said of it. */
export interface FormatItem {
  /** Relative, `/`-separated, checked: no `..`, no leading slash. */
  path: string;
  /** Pixels; `undefined` when nobody knows. */
  width: number | undefined;
  height: number | undefined;
  annotations: readonly FormatAnnotation[];
}

/** What is written. Items may be asked for more than once, and come in the same order. */
export interface FormatSource {
  /** In the order of the ontology; annotations may have others. */
  readonly labels: readonly string[];
  /** Names of those that have items: `train`, `validation`, `test`, `unassigned`. */
  readonly partitions: readonly string[];
  items(partition: string): AsyncIterable<FormatItem>;
}

/** What is read from. */
export interface FormatFiles {
  /** Paths of all files, sorted. */
  list(): Promise<string[]>;
  stream(path: string): AsyncIterable<Uint8Array>;
}

export interface ReadContext {
  readonly losses: LossReport;
  /** For formats that name a file without its extension, or need its size. `undefined` when there is no such item. */
  findItem(stem: string): { path: string; width: number | undefined; height: number | undefined } | undefined;
}

/**
 * A format of annotation files. Both ways are streams: memory grows with the number of items, never with that of
 * annotations. What cannot be held is noted in the loss report, field by field; nothing goes without a note.
 */
export interface AnnotationFormat {
  /** Types of annotation that it holds; `all` of them. */
  readonly types: readonly string[] | 'all';
  /** Folder of the items' own files, with a slash at its end. */
  readonly mediaFolder: string;

  /** True for what `read` reads; what it does not know is an item's own file. */
  isAnnotationFile(path: string): boolean;

  /** @throws FormatNameClash */
  write(source: FormatSource, layout: LayoutWriter, losses: LossReport): Promise<void>;

  /**
   * Items with their annotations, in the order of the files; one item may come several times, with a part each.
   * @throws FormatUnreadable, naming the file
   */
  read(files: FormatFiles, context: ReadContext): AsyncIterable<FormatItem>;
}
