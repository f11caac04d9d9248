import { compact, ModelfnError, messageOf, systemCode } from '../errors.ts';

/** A git URL, branch, tag, commit or path that git is not given. */
export class GitAddressRefused extends ModelfnError {
  override readonly name = 'GitAddressRefused';
  readonly code = 'GitAddressRefused';
  readonly statusCode = 400;
  constructor(field: 'gitUrl' | 'gitTag' | 'gitPath' | 'credentials', problem: string) {
    super(`The ${field} cannot be used: it ${problem}.`, { details: { field, problem } });
  }
}

/** A repository on a host, or in a folder, that this machine does not open to git. Nothing was sent there. */
export class GitHostNotAllowed extends ModelfnError {
  override readonly name = 'GitHostNotAllowed';
  readonly code = 'GitHostNotAllowed';
  readonly statusCode = 403;
  constructor(origin: string, why: string, hosts: readonly string[] = []) {
    const listed =
      hosts.length === 0
        ? 'is not set (any public https host, without credentials)'
        : `has: ${hosts.join(', ')}`;
    super(`Git may not use ${origin}: ${why}. Add it to MODELFN_GIT_HOSTS, which ${listed}.`, {
      details: { origin },
    });
  }
}

/** Reason for a host that resolves to a loopback, private or otherwise special address. */
export const NOT_PUBLIC = 'it has an address outside the public internet';

/** A folder outside those this machine opens, named by a `file:` URL. */
export class GitFolderNotAllowed extends ModelfnError {
  override readonly name = 'GitFolderNotAllowed';
  readonly code = 'GitFolderNotAllowed';
  readonly statusCode = 403;
  constructor(folder: string) {
    super(
      `The folder ${JSON.stringify(folder)} may not be used as a git repository: it lies outside the allowed folders, or overlaps the state folder. Add a folder above it to MODELFN_LOCAL_ROOTS.`,
      { details: { folder } },
    );
  }
}

/** A credential names an environment variable that is not set. */
export class GitSecretMissing extends ModelfnError {
  override readonly name = 'GitSecretMissing';
  readonly code = 'GitSecretMissing';
  readonly statusCode = 422;
  constructor(name: string, known: readonly string[]) {
    super(
      `The credentials name the environment variable ${name}, which is not set. ${known.length === 0 ? 'None that starts with MODELFN_SECRET_ is.' : `There are: ${known.join(', ')}.`}`,
      { details: { variable: name } },
    );
  }
}

/** The server wants other credentials, or none of ours open the repository. */
export class GitAccessDenied extends ModelfnError {
  override readonly name = 'GitAccessDenied';
  readonly code = 'GitAccessDenied';
  readonly statusCode = 403;
  constructor(url: string, hadCredentials: boolean, detail: string, cause?: unknown) {
    const advice = hadCredentials
      ? 'Correct the value of the variable the credentials name, or what it may do.'
      : 'Give the spec credentials, and list the host in MODELFN_GIT_HOSTS.';
    super(`${url} does not let us in (${detail}). ${advice}`, { details: { url }, cause });
  }
}

/** There is no repository at the address. */
export class GitRepositoryNotFound extends ModelfnError {
  override readonly name = 'GitRepositoryNotFound';
  readonly code = 'GitRepositoryNotFound';
  readonly statusCode = 404;
  constructor(url: string, detail: string, cause?: unknown) {
    super(`There is no git repository to use at ${url}: ${detail}. Correct the gitUrl.`, {
      details: { url },
      cause,
    });
  }
}

/** The repository has no such branch, tag, commit or folder. */
export class GitRefNotFound extends ModelfnError {
  override readonly name = 'GitRefNotFound';
  readonly code = 'GitRefNotFound';
  readonly statusCode = 404;
  constructor(url: string, what: string) {
    super(`${url} has no ${what}. Correct the spec, or push it there.`, { details: { url, what } });
  }
}

/** The server could not be reached, or broke off; it may be asked again. */
export class GitUnavailable extends ModelfnError {
  override readonly name = 'GitUnavailable';
  readonly code = 'GitUnavailable';
  readonly statusCode = 503;
  override readonly retryable = true;
  constructor(url: string, problem: string, cause?: unknown) {
    super(`${url} did not do what git asked: ${problem}. Try again later.`, {
      details: compact({ url, systemCode: systemCode(cause) }),
      cause,
    });
  }
}

/** The server answered what git does not understand. */
export class GitProtocolError extends ModelfnError {
  override readonly name = 'GitProtocolError';
  readonly code = 'GitProtocolError';
  readonly statusCode = 502;
  constructor(problem: string, cause?: unknown) {
    super(`The git server's answer cannot be used: ${problem}. Check that the gitUrl is a repository.`, {
      details: { problem },
      cause,
    });
  }
}

/** A redirect to another place than the origin that was asked; it was not followed. */
export class GitRedirectRefused extends ModelfnError {
  override readonly name = 'GitRedirectRefused';
  readonly code = 'GitRedirectRefused';
  readonly statusCode = 502;
  constructor(url: string, to: string) {
    super(`${url} redirects to ${to}, which was not followed. Use the new address as the gitUrl.`, {
      details: { url, to },
    });
  }
}

/** More than is taken from a repository. Nothing of it was kept. */
export class GitTooLarge extends ModelfnError {
  override readonly name = 'GitTooLarge';
  readonly code = 'GitTooLarge';
  readonly statusCode = 413;
  constructor(what: string, limit: string) {
    super(
      `${what} is more than git is used for here: ${limit} are allowed. Use another type of bucket for large files, or a smaller repository.`,
      { details: { what, limit } },
    );
  }
}

/** A tree, or a pack of objects, that is damaged or hostile. Nothing of it was used. */
export class GitContentRefused extends ModelfnError {
  override readonly name = 'GitContentRefused';
  readonly code = 'GitContentRefused';
  readonly statusCode = 422;
  constructor(problem: string, path?: string, cause?: unknown) {
    const where = path === undefined ? '' : ` (${JSON.stringify(path.slice(0, 200))})`;
    super(`The content of the repository is refused: ${problem}${where}. Correct it there and push again.`, {
      details: compact({ problem, path: path?.slice(0, 200) }),
      cause,
    });
  }
}

/** The server did not take a push, by its own rules. */
export class GitPushRefused extends ModelfnError {
  override readonly name = 'GitPushRefused';
  readonly code = 'GitPushRefused';
  readonly statusCode = 422;
  constructor(url: string, branch: string, reason: string) {
    super(`${url} refuses the push to ${branch}: ${reason}. Check its protection rules and hooks.`, {
      details: { url, branch, reason },
    });
  }
}

/** A branch is not what the push took it to be. For the caller inside: it fetches and tries again. */
export class GitRefMoved extends ModelfnError {
  override readonly name = 'GitRefMoved';
  readonly code = 'GitRefMoved';
  readonly statusCode = 409;
  override readonly retryable = true;
  constructor(url: string, branch: string) {
    super(`The branch ${branch} of ${url} moved meanwhile. Try again.`, { details: { url, branch } });
  }
}

/** The server does not hand out a commit by its id alone. For the caller inside: it fetches more. */
export class GitWantRefused extends ModelfnError {
  override readonly name = 'GitWantRefused';
  readonly code = 'GitWantRefused';
  readonly statusCode = 404;
  constructor(detail: string) {
    super(`The git server does not give the commit by its id: ${detail}. Name a branch or a tag.`);
  }
}

/** ssh addresses need OpenSSH's client. */
export class GitProgramMissing extends ModelfnError {
  override readonly name = 'GitProgramMissing';
  readonly code = 'GitProgramMissing';
  readonly statusCode = 501;
  constructor(program: string, cause: unknown) {
    super(
      `An ssh address needs the program ${JSON.stringify(program)}, which is not installed here. Install OpenSSH's client, or use the repository's https address.`,
      { details: { program }, cause },
    );
  }
}

/** Text of a server or program as it may be shown: one short line, no control characters, no secret. */
export function shown(text: string, secrets: readonly string[] = []): string {
  const hidden = secrets
    .filter((secret) => secret !== '')
    .reduce((all, secret) => all.replaceAll(secret, '***'), text);
  const line = hidden.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 300)}...` : line;
}

/** The system's words for a failed connection. */
export function failureOf(error: unknown): string {
  return shown(messageOf(error) || systemCode(error) || 'the connection failed');
}
