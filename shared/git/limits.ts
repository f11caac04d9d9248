/** What is taken from a repository at most. Objects and packs pass through memory whole, hence the sizes. */
export interface GitLimits {
  /** One file, tree or commit. */
  fileBytes: number;
  /** What a server sends for one fetch, packed. */
  packBytes: number;
  /** All objects of one fetch, unpacked. */
  unpackedBytes: number;
  /** Objects of one fetch. */
  objects: number;
  /** Files and folders of one tree. */
  files: number;
  /** Without a byte from the server. */
  idleMs: number;
}

export const GIT_LIMITS: Readonly<GitLimits> = Object.freeze({
  fileBytes: 100 * 2 ** 20,
  packBytes: 2 ** 30,
  unpackedBytes: 4 * 2 ** 30,
  objects: 1_000_000,
  files: 100_000,
  idleMs: 60_000,
});
