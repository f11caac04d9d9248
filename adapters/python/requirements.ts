import { PythonRequirementRefused } from './errors.ts';

/** Line ends of pip's own reader, which uses Python's `str.splitlines`; the others of these are refused as control characters. */
const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;
const COMMENT = /(^|\s+)#.*$/;

/** Options that change how packages are chosen and read nothing from elsewhere. */
const FLAGS = ['--pre', '--prefer-binary', '--require-hashes'];
const VALUE_OPTIONS = ['--no-binary', '--only-binary'];
/** Options that name another source of packages, by every spelling. */
const SOURCE_OPTIONS: Readonly<Record<string, string>> = {
  '-i': '--index-url',
  '--index-url': '--index-url',
  '--pypi-url': '--index-url',
  '--extra-index-url': '--extra-index-url',
  '-f': '--find-links',
  '--find-links': '--find-links',
};
/** Options that read other files: never allowed, since those files could change while the cached environment stays. */
const FILE_OPTIONS = /^(-[rce]|--requirement|--constraint|--editable)/;

const ARCHIVE = /\.(whl|zip|tar|tgz|tbz|txz|tlz|tar\.\w+)$/i;
const NAME = String.raw`[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?`;
const EXTRAS = String.raw`(?:\s*\[[\w\s,.-]*\])?`;
const VERSION = String.raw`(?:===|==|~=|!=|<=|>=|<|>)\s*[\w.*+!-]+`;
const NAMED = new RegExp(
  String.raw`^(${NAME})${EXTRAS}\s*(?:\(?\s*${VERSION}(?:\s*,\s*${VERSION})*\s*,?\s*\)?)?\s*(?:;.*)?$`,
);
const DIRECT = new RegExp(String.raw`^(?:${NAME}${EXTRAS}\s*@\s*)?([a-z][a-z0-9+.-]*:\S+)\s*(?:;.*)?$`, 'i');
const DIRECT_SCHEME = /^(https|git\+https):\/\//i;
const HASH = /^--hash=[a-z0-9]+:[0-9a-f]+$/i;

export interface RequirementRules {
  /** Addresses and folders that the operator allows as an index or a folder of packages. */
  sources: readonly string[];
  /** Names the place in errors, such as `requirements.txt`. */
  where: string;
}

/**
 * Reads the bytes of a `requirements.txt` as pip does: UTF-8, or UTF-16 with a byte order mark. An encoding that a comment
 * names is not followed. @throws PythonRequirementRefused
 */
export function decodeRequirements(bytes: Uint8Array, where: string): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
  const isBigEndian = bytes[0] === 0xfe && bytes[1] === 0xff;
  try {
    return new TextDecoder(isBigEndian ? 'utf-16be' : encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new PythonRequirementRefused(where, '', 'it is not text in UTF-8 or UTF-16; save it as UTF-8');
  }
}

/**
 * Returns the requirements of a text, one per line, without comments: what pip is given. Only packages by name, https
 * addresses and harmless options are allowed. A line that reads local files, expands variables of the environment or
 * names another index is refused, unless the operator allows that index or folder.
 * @throws PythonRequirementRefused
 */
export function readRequirements(text: string, rules: RequirementRules): string[] {
  return logicalLines(text).map((line) => checkLine(line, rules));
}

/** Joins lines that end with a backslash, and drops comments and blank lines. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open = '';
  for (const physical of text.split(LINE_END)) {
    const isComment = /^\s*#/.test(physical);
    if (!isComment && physical.endsWith('\\')) {
      open += physical.slice(0, -1);
      continue;
    }
    lines.push(`${open}${isComment && open !== '' ? ` ${physical}` : physical}`);
    open = '';
  }
  lines.push(open);
  return lines.map((line) => line.replace(COMMENT, '').trim()).filter((line) => line !== '');
}

function checkLine(line: string, { sources, where }: RequirementRules): string {
  const refuse = (problem: string): never => {
    throw new PythonRequirementRefused(where, line, problem);
  };
  if (/\p{Cc}/u.test(line.replaceAll('\t', ' '))) refuse('has a control character');
  if (line.includes('${')) refuse('expands a variable of the environment; write its value');
  if (line.startsWith('-')) return checkOption(line, sources, refuse);
  const tokens = line.split(/\s+/);
  const at = tokens.findIndex((token) => token.startsWith('-'));
  const options = at === -1 ? [] : tokens.slice(at);
  const other = options.find((option) => !HASH.test(option));
  if (other !== undefined) refuse(`has the option ${other}; only --hash=<algorithm>:<hex> is allowed there`);
  const requirement = (at === -1 ? tokens : tokens.slice(0, at)).join(' ');
  const url = DIRECT.exec(requirement)?.[1];
  if (url !== undefined) {
    if (!DIRECT_SCHEME.test(url))
      refuse('is not an https or git+https address; local files are not installed');
  } else {
    const name = NAMED.exec(requirement)?.[1];
    if (name === undefined) refuse('is not a package by its name; local paths are not installed');
    else if (ARCHIVE.test(name)) refuse('names a local file; write the package and its version');
  }
  return [requirement, ...options].join(' ');
}

function checkOption(line: string, sources: readonly string[], refuse: (problem: string) => never): string {
  const [, name = '', value = ''] = /^(-[a-z](?=[^-\s])|-{1,2}[\w-]+)[=\s]*(.*)$/i.exec(line) ?? [];
  if (FLAGS.includes(line)) return line;
  if (VALUE_OPTIONS.includes(name) && /^[\w.:,-]+$/.test(value)) return `${name}=${value}`;
  if (FILE_OPTIONS.test(name)) refuse('names another file; write the packages themselves');
  const source = Object.hasOwn(SOURCE_OPTIONS, name)
    ? SOURCE_OPTIONS[name]!
    : refuse('is not an allowed option');
  if (!/^\S+$/.test(value) || !sources.some((each) => isBelow(value, each)))
    refuse(
      'names another source of packages; the operator of the server can allow it with MODELFN_PYTHON_SOURCES',
    );
  return `${source}=${value}`;
}

/** True for an allowed address or folder itself and for what lies below it. A path may not lead out of it. */
function isBelow(value: string, source: string): boolean {
  const at = placeOf(value);
  const allowed = placeOf(source);
  if (at === undefined || allowed === undefined || at.origin !== allowed.origin) return false;
  const base = allowed.path.replace(/\/+$/, '');
  return at.path === base || at.path.startsWith(`${base}/`);
}

function placeOf(text: string): { origin: string; path: string } | undefined {
  const url = URL.parse(text.startsWith('/') ? `file://${text}` : text);
  // A percent sign could hide a separator or a dot from the comparison.
  if (!url || !/^(https|file):$/.test(url.protocol) || url.username !== '' || url.pathname.includes('%'))
    return undefined;
  return { origin: `${url.protocol}//${url.host}`, path: url.pathname };
}
