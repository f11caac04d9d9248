import { ModelfnError } from '../errors.ts';

/** Stored documents that cannot be read: damaged JSON, or JSON that is deeper than the database reads. */
export interface UnreadableDocuments {
  /** An entity kind, or `event` for the outbox. */
  kind: string;
  count: number;
  /** The first of them: ids of entities, sequences of events. */
  ids: string[];
}

/** Called once per document; the documents stay where they are. */
export type ReportUnreadable = (documents: UnreadableDocuments) => void;

/** Ids that one report contains. */
export const SHOWN_IDS = 20;

/** One entity whose stored document is not JSON. Others are not affected. */
export class DocumentUnreadable extends ModelfnError {
  override readonly name = 'DocumentUnreadable';
  readonly code = 'DocumentUnreadable';
  readonly statusCode = 500;
  constructor(kind: string, id: string, cause: unknown) {
    super(
      `The stored ${kind} ${JSON.stringify(id.slice(0, 128))} cannot be read: its document is damaged. Delete it, or restore it from a backup.`,
      { details: { kind, id: id.slice(0, 128) }, cause },
    );
  }
}

/** Parses one stored document. @throws DocumentUnreadable */
export function readDocument<E>(kind: string, { id, doc }: { id: string; doc: string }): E {
  try {
    return JSON.parse(doc) as E;
  } catch (cause) {
    throw new DocumentUnreadable(kind, id, cause);
  }
}

/**
 * Parses the documents of a list. With `report`, damaged ones are left out and reported; without, the first of them is
 * thrown. @throws DocumentUnreadable
 */
export function readDocuments<E>(
  kind: string,
  rows: readonly { id: string; doc: string }[],
  report: ReportUnreadable | undefined,
): E[] {
  if (!report) return rows.map((row) => readDocument<E>(kind, row));
  const damaged: string[] = [];
  const documents = rows.flatMap((row): E[] => {
    try {
      return [JSON.parse(row.doc) as E];
    } catch {
      damaged.push(row.id);
      return [];
    }
  });
  if (damaged.length > 0) report({ kind, count: damaged.length, ids: damaged.slice(0, SHOWN_IDS) });
  return documents;
}

/** Passes on the first report about each document: lists are read again and again. */
export function reportOnce(report: ReportUnreadable): ReportUnreadable {
  const known = new Set<string>();
  return ({ kind, count, ids }) => {
    const fresh = ids.filter((id) => !known.has(`${kind} ${id}`));
    if (fresh.length === 0) return;
    for (const id of fresh) known.add(`${kind} ${id}`);
    report({ kind, count, ids });
  };
}
