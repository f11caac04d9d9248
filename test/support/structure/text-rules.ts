import type { Rule } from './rule.ts';

// Put together, so that this file does not break its own rules.
const MARKS = new RegExp(
  `\\b(${['TO', 'FIX', 'XX'].map((start, at) => start + ['DO', 'ME', 'X'][at]).join('|')})\\b`,
);
const MACHINE_PATH = /(?<![\w.\-~])\/(?:(?:work|root)\/|home\/[a-z][\w-]*\/)/;

/** What is left to do is done, or told to those who plan it; the code has no reminders. */
export const nothingIsLeftOver: Rule = (tree) =>
  lines(tree).flatMap(({ at, text }) => {
    const mark = MARKS.exec(text)?.[1];
    return mark === undefined
      ? []
      : [`${at} has a ${mark}: do it, or say plainly in the documents what is not done.`];
  });

/** No file knows the machine it was written on. */
export const machinesAreNotNamed: Rule = (tree) =>
  lines(tree).flatMap(({ at, text }) => {
    const path = MACHINE_PATH.exec(text)?.[0];
    return path === undefined
      ? []
      : [`${at} names the folder ${path} of one machine: take a path that is made up or relative.`];
  });

function lines(tree: Parameters<Rule>[0]): { at: string; text: string }[] {
  return tree.paths.flatMap((path) =>
    tree
      .text(path)
      .split('\n')
      .map((text, index) => ({ at: `${path}:${index + 1}`, text })),
  );
}
