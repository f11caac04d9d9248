import type { LayoutWriter } from '../../adapters/model-adapter.ts';
import { OWN_COLUMNS } from './csv-columns.ts';
import { isTable, plainBox, readTable } from './csv-reader.ts';
import type {
  AnnotationFormat,
  FormatAnnotation,
  FormatFiles,
  FormatItem,
  FormatSource,
  ReadContext,
  Survey,
} from './format.ts';
import type { LossReport } from './loss-report.ts';
import { noteRest } from './rest.ts';
import { toSafeCell } from './spreadsheet-cells.ts';
import { findByContent, isClutter, mediaBelow } from './survey.ts';
import { inPieces } from './text-stream.ts';

type Column = (typeof OWN_COLUMNS)[number];

/**
 * A table, one `<partition>.csv` a partition, a line an annotation: a box has its corners in columns, what else has
 * coordinates has them as JSON. RFC 4180. Read are tables of other tools too: `readTable`.
 */
export class CsvFormat implements AnnotationFormat {
  readonly types = 'all';
  readonly mediaFolder = 'images/';

  async survey(files: FormatFiles): Promise<Survey> {
    const paths = await files.list();
    const own = paths.filter((path) => this.#isAnnotationFile(path));
    const known = await findByContent(files, own, isTable);
    return {
      evidence: known && `${known} has a header with filename and label`,
      annotationFiles: own.length,
      media: mediaBelow(paths, this.mediaFolder, (path) => this.#isAnnotationFile(path)),
    };
  }

  async write(source: FormatSource, layout: LayoutWriter, losses: LossReport): Promise<void> {
    for (const partition of source.partitions)
      await layout.write(`${partition}.csv`, inPieces(rowsOf(source, partition, losses)));
  }

  async *read(files: FormatFiles, context: ReadContext): AsyncGenerator<FormatItem> {
    for (const path of (await files.list()).filter((each) => this.#isAnnotationFile(each)))
      yield* readTable(files, path, context);
  }

  #isAnnotationFile(path: string): boolean {
    return /\.(csv|tsv)$/i.test(path) && !path.startsWith(this.mediaFolder) && !isClutter(path);
  }
}

async function* rowsOf(source: FormatSource, partition: string, losses: LossReport): AsyncGenerator<string> {
  yield `${OWN_COLUMNS.join(',')}\r\n`;
  for await (const { path, annotations } of source.items(partition))
    for (const annotation of annotations) {
      if (!annotation.label.isWellFormed() || !annotation.type.isWellFormed()) {
        losses.dropped(annotation.type, '*', annotation.label);
        continue;
      }
      noteRest(annotation, losses, { attributes: true });
      const cells = cellsOf(path, annotation);
      const cellOf = (column: Column): string => {
        const cell = cells[column] ?? '';
        return source.isSpreadsheetSafe ? toSafeCell(column, cell) : cell;
      };
      yield `${OWN_COLUMNS.map((column) => quoted(cellOf(column))).join(',')}\r\n`;
    }
}

function cellsOf(path: string, annotation: FormatAnnotation): Partial<Record<Column, string>> {
  const { type, label, coordinates, attributes } = annotation;
  const isPlain = Array.isArray(attributes) && attributes.length === 0;
  const cells = { filename: path, type, label, attributes: isPlain ? '' : JSON.stringify(attributes) };
  const box = type === 'box' ? plainBox(coordinates) : undefined;
  if (box) return { ...cells, ...box };
  return coordinates === undefined ? cells : { ...cells, coordinates: JSON.stringify(coordinates) };
}

function quoted(cell: string): string {
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
