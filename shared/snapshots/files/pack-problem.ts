/** Bytes of a file in a pack at most: who takes a pack apart has a whole file in memory. */
export const MAX_PACKED_BYTES = 2 ** 20;
/** Bytes of a pack at most. */
export const MAX_PACK_BYTES = 64 * 2 ** 20;

interface PackedManifest {
  formatVersion: number;
  files: readonly Stretch[];
  packs?: readonly { sha256: string; sizeBytes: number }[] | undefined;
}

interface Stretch {
  path: string;
  sha256: string;
  sizeBytes: number;
  pack?: number | undefined;
  offset?: number | undefined;
}

/**
 * What keeps a manifest's packs from being what they are said to be, `undefined` when nothing does: files that reach
 * out of their pack or over each other, packs that are not listed, that hold no file, or that are too large.
 */
export function packProblem({
  formatVersion,
  files,
  packs,
}: PackedManifest): { file: string; problem: string } | undefined {
  if ((formatVersion === 2) !== (packs !== undefined))
    return { file: '', problem: 'packs make version 2, and version 2 has packs' };
  if (new Set(packs?.map(({ sha256 }) => sha256)).size !== (packs?.length ?? 0))
    return { file: '', problem: 'a pack is listed twice' };
  const inPacks: Stretch[][] = (packs ?? []).map(() => []);
  for (const file of files) {
    const problem = placeProblem(file, packs ?? []);
    if (problem !== undefined) return { file: file.path, problem };
    if (file.pack !== undefined) inPacks[file.pack]!.push(file);
  }
  for (const [index, { sizeBytes }] of (packs ?? []).entries()) {
    const inside = inPacks[index]!;
    if (inside.length === 0) return { file: '', problem: `no file lies in pack ${index}` };
    if (sizeBytes > MAX_PACK_BYTES)
      return { file: inside[0]!.path, problem: `its pack has more than ${MAX_PACK_BYTES} bytes` };
    const crossing = crossingFile(inside);
    if (crossing) return { file: crossing.path, problem: 'it lies over another file of its pack' };
  }
  return sizeProblem([...files, ...(packs ?? []).map((pack, index) => ({ ...pack, path: `pack ${index}` }))]);
}

function placeProblem(
  { pack, offset, sizeBytes }: Stretch,
  packs: readonly { sizeBytes: number }[],
): string | undefined {
  if ((pack === undefined) !== (offset === undefined)) return 'it has half of a place in a pack';
  if (pack === undefined || offset === undefined) return undefined;
  const { sizeBytes: packBytes } = packs[pack] ?? {};
  if (packBytes === undefined) return 'its pack is not listed';
  if (sizeBytes > MAX_PACKED_BYTES) return `in a pack it has more than ${MAX_PACKED_BYTES} bytes`;
  return offset + sizeBytes > packBytes ? 'it reaches out of its pack' : undefined;
}

/** The first file that begins before the one ahead of it ends. Equal files may be one and the same stretch. */
function crossingFile(inside: readonly Stretch[]): Stretch | undefined {
  const inOrder = [...inside].sort((a, b) => a.offset! - b.offset! || a.sizeBytes - b.sizeBytes);
  let end = 0;
  let last: Stretch | undefined;
  for (const file of inOrder) {
    const isSame = last?.sha256 === file.sha256 && last.offset === file.offset;
    if (file.offset! < end && !isSame) return file;
    end = Math.max(end, file.offset! + file.sizeBytes);
    last = file;
  }
  return undefined;
}

/** Bytes with one digest have one length: who has them once need not look again. */
function sizeProblem(
  things: readonly { path: string; sha256: string; sizeBytes: number }[],
): { file: string; problem: string } | undefined {
  const sizes = new Map<string, number>();
  for (const { path, sha256, sizeBytes } of things) {
    const known = sizes.get(sha256);
    if (known !== undefined && known !== sizeBytes)
      return { file: path, problem: 'another one has the same digest and not the same size' };
    sizes.set(sha256, sizeBytes);
  }
  return undefined;
}
