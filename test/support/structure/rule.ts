import type { SourceTree } from './source-tree.ts';

/** Looks at a tree and answers one sentence for each thing that is wrong: where, what, and what to do. */
export type Rule = (tree: SourceTree) => string[];
