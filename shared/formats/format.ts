import type { LayoutWriter } from '../../adapters/model-adapter.ts';
import type { Partition } from '../entities/item.ts';
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
  /** Reading: the partition that the files name; `undefined` when they name none. */
  partition?: Partition | undefined;
}

/** One file that becomes an item. */
export interface MediaFile {
  /** Path of the file in the folder that is read. */
  file: string;
  /** Path of the item, relative to the folder of the dataset. */
  path: string;
}

/** Files of a folder, sorted by their role, before anything is read from them. */
export interface Survey {
  /** Reason why the folder has this format, in words for people; `undefined` when no file is of this format. */
  readonly evidence: string | undefined;
  /** Number of files that hold annotations. */
  readonly annotationFiles: number;
  /** Files that become items, in the order of their paths. No two have the same item path. */
  readonly media: readonly MediaFile[];
}

/** What is written. Items may be asked for more than once, and come in the same order. */
export interface FormatSource {
  /** In the order of the ontology; annotations may have others. */
  readonly labels: readonly string[];
  /** Names of those that have items: `train`, `validation`, `test`, `unassigned`. */
  readonly partitions: readonly string[];
  items(partition: string): AsyncIterable<FormatItem>;
  /** True: no spreadsheet may take a cell of a table for a formula. */
  readonly isSpreadsheetSafe?: boolean;
}

/** What is read from. */
export interface FormatFiles {
  /** Paths of all files, sorted. */
  list(): Promise<string[]>;
  stream(path: string): AsyncIterable<Uint8Array>;
}

/** An item of the dataset, or a file that is about to become one. */
export interface FoundItem {
  path: string;
  /** Upright size in pixels; `undefined` when unknown. */
  width: number | undefined;
  height: number | undefined;
}

/** The area of an annotation that has a mask and a box: the mask alone, the box alone, or each as an annotation. */
export const AREAS = ['mask', 'box', 'both'] as const;
export type Areas = (typeof AREAS)[number];

export interface ReadContext {
  /** `mask` when missing. */
  readonly areas?: Areas;
  /** True for tables that were written with `isSpreadsheetSafe`. */
  readonly isSpreadsheetSafe?: boolean;
  readonly losses: LossReport;
  /** Finds an item by its path without the extension; `undefined` when there is none, or more than one. */
  findStem(stem: string): Promise<FoundItem | undefined>;
  /** Finds an item by its path; `undefined` when there is none. */
  findPath(path: string): Promise<FoundItem | undefined>;
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

  /**
   * Sorts the files of a folder by their role. May read the beginning of some files. Never throws for a folder of another
   * format.
   */
  survey(files: FormatFiles): Promise<Survey>;

  /** @throws FormatNameClash */
  write(source: FormatSource, layout: LayoutWriter, losses: LossReport): Promise<void>;

  /**
   * Items with their annotations and partitions, in the order of the files; one item may come several times, with a part
   * each, and may have no annotations.
   * @throws FormatUnreadable, naming the file
   */
  read(files: FormatFiles, context: ReadContext): AsyncIterable<FormatItem>;
}
