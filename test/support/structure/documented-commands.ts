/**
 * Commands that a document tells its readers to run, in words, from blocks of `sh` and `console` and from code within the
 * text. `npx modelfn` and `modelfn` are the same. In a console block only lines after `$ ` are commands.
 */
export function documentedCommands(markdown: string): string[][] {
  return [...blockLines(markdown), ...inlineCode(markdown)]
    .flatMap((line) => line.split(/ && | \| | ; /))
    .map((command) => withoutSettings(wordsOf(command)))
    .filter(([first = '']) => ['npm', 'modelfn', 'vitest'].includes(first));
}

function blockLines(markdown: string): string[] {
  return [...markdown.matchAll(/^```(sh|console)\n([\s\S]*?)^```/gm)].flatMap(([, kind, body = '']) => {
    const lines = body.replaceAll('\\\n', ' ').split('\n');
    if (kind === 'sh') return lines;
    return lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2));
  });
}

function inlineCode(markdown: string): string[] {
  const text = markdown.replace(/^```[\s\S]*?^```/gm, '');
  return [...text.matchAll(/`((?:npm|npx|modelfn) [^`\n]+)`/g)].map(([, code = '']) => code);
}

/** Splits as a shell does, as far as documents need it; a comment ends the command. */
function wordsOf(command: string): string[] {
  const words = [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word);
  const comment = words.findIndex((word) => word.startsWith('#'));
  return (comment < 0 ? words : words.slice(0, comment)).map((word) => word.replace(/^(['"])(.*)\1$/s, '$2'));
}

function withoutSettings(words: readonly string[]): string[] {
  const start = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
  const rest = start < 0 ? [] : words.slice(start);
  return rest[0] === 'npx' ? rest.slice(1) : rest;
}
