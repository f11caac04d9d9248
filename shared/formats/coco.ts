import type { LayoutWriter } from '../../adapters/model-adapter.ts';
import { readCocoDocument } from './coco-reader.ts';
import { cocoDocument } from './coco-writer.ts';
import type {
  AnnotationFormat,
  FormatFiles,
  FormatItem,
  FormatSource,
  ReadContext,
  Survey,
} from './format.ts';
import type { LossReport } from './loss-report.ts';
import { findByContent, isClutter, mediaBelow } from './survey.ts';
import { inPieces } from './text-stream.ts';

/**
 * COCO instances, one `annotations/instances_<partition>.json` a partition: boxes, polygons, masks as lengths of runs,
 * points as keypoints one by one. Source: cocodataset.org, "Data format".
 */
export class CocoFormat implements AnnotationFormat {
  readonly types = ['box', 'segment', 'binary', 'point'];
  readonly mediaFolder = 'images/';

  async survey(files: FormatFiles): Promise<Survey> {
    const paths = await files.list();
    const own = paths.filter((path) => this.#isAnnotationFile(path));
    const known = await findByContent(files, own, isCoco);
    return {
      evidence: known && `${known} lists images or annotations with category ids`,
      annotationFiles: own.length,
      media: mediaBelow(paths, this.mediaFolder, (path) => this.#isAnnotationFile(path)),
    };
  }

  async write(source: FormatSource, layout: LayoutWriter, losses: LossReport): Promise<void> {
    for (const partition of source.partitions)
      await layout.write(
        `annotations/instances_${partition}.json`,
        inPieces(cocoDocument(source, partition, losses)),
      );
  }

  async *read(files: FormatFiles, context: ReadContext): AsyncGenerator<FormatItem> {
    for (const path of (await files.list()).filter((each) => this.#isAnnotationFile(each)))
      yield* readCocoDocument(files, path, context);
  }

  #isAnnotationFile(path: string): boolean {
    return path.endsWith('.json') && !path.startsWith(this.mediaFolder) && !isClutter(path);
  }
}

function isCoco(text: string): boolean {
  return /"(image_id|file_name|category_id|supercategory)"\s*:/.test(text);
}
