import { relativePathProblem } from '../content/relative-path.ts';

export type GitTransport = 'https' | 'http' | 'ssh' | 'file';

/** A git URL whose every part was checked. */
export interface GitAddress {
  transport: GitTransport;
  /** `https://host:port` (the port when it is not the usual one), `ssh://user@host:port`; empty for a folder. */
  origin: string;
  /** As it is asked for; without a user and a password. */
  url: string;
  /** Of ssh alone. */
  user: string;
  host: string;
  /** Empty for the transport's usual one. */
  port: string;
  /** Starts with `/`; a folder's is decoded. */
  path: string;
}

const MAX_URL_LENGTH = 2048;
const MAX_REF_LENGTH = 255;
const FORM = 'write it as https://host/path.git, ssh://git@host/path.git or file:///folder.git';
const NAMED_CREDENTIALS =
  'holds a user or a password; leave them out and name environment variables in credentials: {"password":{"key":"MODELFN_SECRET_..."}}';
const CONTROL_OR_SPACE = /[\p{Cc}\p{Z}\\]/u;
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])$/;
const SSH_USER = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const SSH_PATH = /^\/[A-Za-z0-9._+@/-]+$/;

/** The one way from text to an address: the parts, or what keeps the text from being one. Nothing is looked up. */
export function readGitUrl(text: string): GitAddress | { problem: string } {
  const problem = textProblem(text);
  if (problem !== undefined) return { problem };
  const [, scheme = '', rest = ''] = /^([A-Za-z]+):\/\/(.*)$/.exec(text) ?? [];
  const transport = scheme.toLowerCase();
  if (!isTransport(transport)) return { problem: `is no address git is used with here; ${FORM}` };
  // The standard's parser takes "https:///host" for "https://host".
  if (!URL.canParse(text) || rest.startsWith('/') !== (transport === 'file'))
    return { problem: `is no URL; ${FORM}` };
  const path = rest.includes('/') ? rest.slice(rest.indexOf('/')) : '';
  const fault = pathProblem(path);
  return fault === undefined ? partsOf(transport, new URL(text), path) : { problem: fault };
}

/** What keeps text from being a branch, a tag or a commit; `undefined` when nothing does. Rules: git-check-ref-format(1). */
export function gitRefProblem(name: string): string | undefined {
  if (name === '' || name.length > MAX_REF_LENGTH)
    return 'is no branch, tag or commit: it is empty or too long';
  if (name.startsWith('-')) return 'starts with "-", as options do';
  if (CONTROL_OR_SPACE.test(name)) return 'holds a space, a backslash or a control character';
  if (!name.isWellFormed()) return 'is broken Unicode';
  if (/[~^:?*[]|\.\.|@\{|\/\//.test(name) || name === '@')
    return 'holds one of ~ ^ : ? * [ .. @{ //, which no branch or tag has';
  if (/(^|\/)\.|(^\/)|\/$|\.$|\.lock(\/|$)/.test(name))
    return 'has a part that starts with "." or ends in ".lock", or an end that no branch or tag has';
  return undefined;
}

/** What keeps text from being a folder inside a repository. */
export function gitPathProblem(path: string): string | undefined {
  const problem = relativePathProblem(path) ?? dotGitProblem(path);
  return problem === undefined ? undefined : `is no folder inside the repository: ${problem}`;
}

/**
 * What makes a path of a tree reach git's own folder on one file system or another: `.git` in any case, with dots,
 * blanks or a stream behind it (NTFS), its 8.3 form, or with characters in it that HFS+ does not see.
 */
export function dotGitProblem(path: string): string | undefined {
  const isDotGit = path.split('/').some((part) => {
    const seen = part.replace(/[\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, '').split(':')[0]!;
    return /^(\.git|\.?git~[1-9])$/.test(seen.toLowerCase().replace(/[. ]+$/, ''));
  });
  return isDotGit ? `it has a part that is ".git"` : undefined;
}

/** True for a whole commit id. */
export function isCommitId(name: string): boolean {
  return /^[0-9a-f]{40}$/.test(name);
}

function textProblem(text: string): string | undefined {
  if (text.length > MAX_URL_LENGTH) return `is longer than ${MAX_URL_LENGTH} characters`;
  if (CONTROL_OR_SPACE.test(text)) return 'holds a space, a backslash or a control character';
  if (text.startsWith('-')) return 'starts with "-", as options do';
  if (/[?#]/.test(text)) return 'holds a "?" or "#"';
  return text.endsWith('.git') ? undefined : 'does not end in ".git"';
}

function pathProblem(path: string): string | undefined {
  if (/(^|\/)(\.|%2e){1,2}(\/|$)/i.test(path) || /%(2f|5c|0[0-9a-f]|1[0-9a-f]|7f)/i.test(path))
    return 'has a path with ".", ".." or an escaped separator';
  if (path.length < 2 || path.includes('//')) return `has no path, or an empty part in it; ${FORM}`;
  return undefined;
}

function isTransport(text: string): text is GitTransport {
  return text === 'https' || text === 'http' || text === 'ssh' || text === 'file';
}

function partsOf(transport: GitTransport, url: URL, path: string): GitAddress | { problem: string } {
  if (url.password !== '' || (transport !== 'ssh' && url.username !== ''))
    return { problem: NAMED_CREDENTIALS };
  if (transport === 'file') return folderOf(url, path);
  const { hostname: host, port } = url;
  if (!HOST.test(host)) return { problem: 'has a host that is none' };
  const user = transport === 'ssh' ? url.username || 'git' : '';
  if (transport === 'ssh' && !(SSH_USER.test(user) && SSH_PATH.test(path)))
    return { problem: 'has a user or a path with characters that ssh is not given' };
  const shownPort = transport === 'ssh' && port === '22' ? '' : port;
  const origin = `${transport}://${user === '' ? '' : `${user}@`}${host.toLowerCase()}${shownPort === '' ? '' : `:${shownPort}`}`;
  return { transport, origin, url: `${origin}${path}`, user, host, port: shownPort, path };
}

function folderOf(url: URL, path: string): GitAddress | { problem: string } {
  if (url.host !== '') return { problem: 'names a host; a folder is written file:///folder.git' };
  try {
    return {
      transport: 'file',
      origin: '',
      url: `file://${path}`,
      user: '',
      host: '',
      port: '',
      path: decodeURIComponent(path),
    };
  } catch {
    return { problem: 'has a broken escape' };
  }
}
