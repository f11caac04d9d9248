/** Up to this size a file travels with others. */
const SMALL_BYTES = 512 * 1024;
/** Bytes of a pack at most: what one request of an upload carries. */
const PACK_BYTES = 8 * 2 ** 20;

/**
 * Which of the files are to lie in one pack, in the order given; the rest are objects of their own, a small one without
 * company among them. The same files in the same order always make the same packs.
 */
export function packFiles<T extends { sizeBytes: number }>(
  files: readonly T[],
): { packs: T[][]; others: T[] } {
  const groups: T[][] = [];
  const others: T[] = [];
  let groupBytes = 0;
  for (const file of files) {
    if (file.sizeBytes > SMALL_BYTES) {
      others.push(file);
      continue;
    }
    groupBytes += file.sizeBytes;
    if (groups.length > 0 && groupBytes <= PACK_BYTES) groups.at(-1)!.push(file);
    else {
      groups.push([file]);
      groupBytes = file.sizeBytes;
    }
  }
  const alone = groups.filter((group) => group.length === 1).flat();
  return { packs: groups.filter((group) => group.length > 1), others: [...others, ...alone] };
}
