import { GitContentRefused } from './errors.ts';

const POINTER = Buffer.from('version https://git-lfs.github.com/spec/');
const MAX_POINTER_BYTES = 1024;

/** Refuses the small text that Git LFS leaves in place of a file: its bytes are not in the repository. @throws GitContentRefused */
export function refuseLfsPointer(bytes: Uint8Array, path: string): void {
  const isPointer =
    bytes.byteLength <= MAX_POINTER_BYTES && POINTER.equals(bytes.subarray(0, POINTER.byteLength));
  if (isPointer)
    throw new GitContentRefused(
      'it is a pointer of Git LFS, whose files are not fetched; keep the file itself',
      path,
    );
}
