import type { FoundItem } from './format.ts';
import type { LossReport } from './loss-report.ts';

/** Reports an image whose declared size is not the upright size of the picture: its coordinates are of another size. */
export function noteSize(
  path: string,
  declared: { width: number; height: number },
  item: FoundItem | undefined,
  losses: LossReport,
): void {
  if (item?.width === undefined || item.height === undefined) return;
  if (declared.width === item.width && declared.height === item.height) return;
  const sizes = `${declared.width}x${declared.height} in the file, ${item.width}x${item.height} upright`;
  losses.approximated('image', 'width,height', `${path}: ${sizes}`);
}
