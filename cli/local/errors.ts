import { type ErrorBody, ModelfnError } from '../../shared/errors.ts';

/** A function that has no `functions/<name>/handler.ts`. */
export class FunctionNotFound extends ModelfnError {
  override readonly name = 'FunctionNotFound';
  readonly code = 'FunctionNotFound';
  readonly statusCode = 404;
  constructor(functionName: string, known: readonly string[]) {
    super(
      `There is no function ${JSON.stringify(functionName.slice(0, 100))}. There are: ${known.join(', ') || 'none'}.`,
      { details: { functions: [...known] } },
    );
  }
}

/** Source that cannot be bundled, read `file:line:column: what`, or a folder that the bundle cannot be written to. */
export class BuildFailed extends ModelfnError {
  override readonly name = 'BuildFailed';
  readonly code = 'BuildFailed';
  readonly statusCode = 500;
  constructor(functionName: string, problems: readonly string[], cause?: unknown) {
    super(
      `The function ${functionName} cannot be built:\n${problems.map((line) => `  ${line}`).join('\n')}`,
      {
        details: { functionName, problems: [...problems] },
        cause,
      },
    );
  }
}

/** A bundle that fails while it is imported. Nothing of the invocation was done. */
export class FunctionNotLoadable extends ModelfnError {
  override readonly name = 'FunctionNotLoadable';
  readonly code = 'FunctionNotLoadable';
  readonly statusCode = 500;
  constructor(functionName: string, reason: string) {
    super(`The function ${functionName} cannot be loaded: ${reason} The log has its last lines.`, {
      details: { functionName, reason },
    });
  }
}

/** The process of a function ended while it worked on an invocation. What it had begun may be repeated. */
export class WorkerLost extends ModelfnError {
  override readonly name = 'WorkerLost';
  readonly code = 'WorkerLost';
  readonly statusCode = 502;
  override readonly retryable = true;
  /** False when the process ended before it received the call: nothing of it was begun. */
  readonly hasBegun: boolean;
  constructor(functionName: string, how: string, hasBegun = true) {
    super(
      `The process of ${functionName} ended during the invocation: ${how}. Repeat the call; the log has its last lines.`,
      {
        details: { functionName, how },
      },
    );
    this.hasBegun = hasBegun;
  }
}

/** The invocation took longer than it was given; its process was stopped. */
export class FunctionTimeout extends ModelfnError {
  override readonly name = 'FunctionTimeout';
  readonly code = 'FunctionTimeout';
  readonly statusCode = 504;
  override readonly retryable = true;
  constructor(functionName: string, timeoutMs: number) {
    super(
      `${functionName} did not answer within ${timeoutMs} ms and was stopped. Call it for fewer items, or without waiting for it.`,
      {
        details: { functionName, timeoutMs },
      },
    );
  }
}

/** What came after the server began to close. */
export class ShuttingDown extends ModelfnError {
  override readonly name = 'ShuttingDown';
  readonly code = 'ShuttingDown';
  readonly statusCode = 503;
  override readonly retryable = true;
  constructor(what: string) {
    super(`${what} is shutting down and takes no new calls. Repeat the call when it runs again.`);
  }
}

/** An error that a function answered with, under its own code. */
export class FunctionFailed extends ModelfnError {
  override readonly name: string;
  readonly code: string;
  readonly statusCode: number;
  override readonly retryable: boolean;
  constructor(body: ErrorBody, retryable: boolean) {
    super(body.message, { details: body.details });
    this.name = body.code;
    this.code = body.code;
    this.statusCode = body.statusCode;
    this.retryable = retryable;
  }
}

/** An address that others than this machine could reach. */
export class HostRefused extends ModelfnError {
  override readonly name = 'HostRefused';
  readonly code = 'HostRefused';
  readonly statusCode = 400;
  constructor(host: string) {
    super(
      `HOST=${host} would let other machines in, and the server has no authentication. Use HOST=127.0.0.1, or reach it through a tunnel such as ssh -L.`,
      { details: { host } },
    );
  }
}

/** A port that another program listens on. */
export class PortInUse extends ModelfnError {
  override readonly name = 'PortInUse';
  readonly code = 'PortInUse';
  readonly statusCode = 409;
  constructor(port: number, cause?: unknown) {
    super(
      `Port ${port} is in use by another program. Choose another with PORT=${port === 65535 ? port - 1 : port + 1}, or let the system choose with PORT=0.`,
      { details: { port }, cause },
    );
  }
}

/** A port below 1024, or an address this machine does not have. */
export class CannotListen extends ModelfnError {
  override readonly name = 'CannotListen';
  readonly code = 'CannotListen';
  readonly statusCode = 400;
  constructor(host: string, port: number, reason: string, cause?: unknown) {
    super(
      `The server cannot listen on ${host}:${port}: ${reason}. Choose another address or port with HOST and PORT.`,
      {
        details: { host, port },
        cause,
      },
    );
  }
}

/** Another server works on the same state folder. */
export class AlreadyRunning extends ModelfnError {
  override readonly name = 'AlreadyRunning';
  readonly code = 'AlreadyRunning';
  readonly statusCode = 409;
  constructor(running: { pid: number | undefined; url: string | undefined }) {
    const { pid, url } = running;
    super(
      `A server runs already on this state folder${url === undefined ? '' : ` at ${url}`}${pid === undefined ? '' : ` (process ${pid})`}. Use that one, stop it, or start this one on another folder with MODELFN_HOME.`,
      { details: { pid: pid ?? null, url: url ?? null } },
    );
  }
}

/** A state folder that cannot be written to. */
export class HomeUnusable extends ModelfnError {
  override readonly name = 'HomeUnusable';
  readonly code = 'HomeUnusable';
  readonly statusCode = 500;
  constructor(home: string, reason: string, cause?: unknown) {
    super(
      `The state folder ${home} cannot be used: ${reason}. Make it writable, or choose another with MODELFN_HOME.`,
      {
        cause,
      },
    );
  }
}

/** A request under a name that is not this server's: a foreign page may have been pointed at it. */
export class UntrustedHost extends ModelfnError {
  override readonly name = 'UntrustedHost';
  readonly code = 'UntrustedHost';
  readonly statusCode = 403;
  constructor(host: string, url: string) {
    super(
      `The request names the host ${JSON.stringify(host.slice(0, 200))}, which is not this server. Use ${url}.`,
      {
        details: { url },
      },
    );
  }
}

/** A write that a page of another site asked a browser for. */
export class UntrustedOrigin extends ModelfnError {
  override readonly name = 'UntrustedOrigin';
  readonly code = 'UntrustedOrigin';
  readonly statusCode = 403;
  constructor(origin: string, url: string) {
    super(
      `A page of ${JSON.stringify(origin.slice(0, 200))} may not write here. Use the pages of ${url}, or a program that is no browser.`,
      {
        details: { url },
      },
    );
  }
}

/** A request that is not HTTP, or whose headers are too large or too slow. Nothing of it was used. */
export class MalformedRequest extends ModelfnError {
  override readonly name = 'MalformedRequest';
  readonly code = 'MalformedRequest';
  readonly statusCode: 400 | 408 | 431;
  constructor(statusCode: 400 | 408 | 431) {
    const problems = {
      400: 'it is not well-formed HTTP/1.1',
      408: 'its headers did not arrive in time',
      431: 'its headers are larger than 16 KiB',
    };
    super(`The request cannot be read: ${problems[statusCode]}.`, { details: { statusCode } });
    this.statusCode = statusCode;
  }
}

/** A request that names its host more than once: servers in a row could take it for different ones. */
export class AmbiguousHost extends ModelfnError {
  override readonly name = 'AmbiguousHost';
  readonly code = 'AmbiguousHost';
  readonly statusCode = 400;
  constructor(count: number) {
    super(`The request has ${count} Host headers. Send one.`, { details: { count } });
  }
}

/** A body of which too little arrives. Nothing of it was used. */
export class BodyTooSlow extends ModelfnError {
  override readonly name = 'BodyTooSlow';
  readonly code = 'BodyTooSlow';
  readonly statusCode = 408;
  constructor({ windowMs, minBytes }: { windowMs: number; minBytes: number }) {
    super(
      `The body of the request arrives too slowly: fewer than ${minBytes} bytes in ${windowMs / 1000} s. Nothing of it was kept; send it again.`,
      { details: { windowMs, minBytes } },
    );
  }
}

/** A body over the limit of API Gateway. Nothing of it was used. */
export class BodyTooLarge extends ModelfnError {
  override readonly name = 'BodyTooLarge';
  readonly code = 'BodyTooLarge';
  readonly statusCode = 413;
  constructor(maxBytes: number) {
    super(
      `The body is larger than ${maxBytes} bytes, the limit of a function call. Upload files as items and pass their ids.`,
      {
        details: { maxBytes },
      },
    );
  }
}

/** A path that leads nowhere. */
export class RouteNotFound extends ModelfnError {
  override readonly name = 'RouteNotFound';
  readonly code = 'RouteNotFound';
  readonly statusCode = 404;
  constructor(path: string) {
    super(
      `There is nothing at ${JSON.stringify(path.slice(0, 200))}. Functions are at /api/v1/functions/<name>, entities under /api/v1.`,
    );
  }
}

/** A reply of a function that is no HTTP reply. */
export class InvalidFunctionReply extends ModelfnError {
  override readonly name = 'InvalidFunctionReply';
  readonly code = 'InvalidFunctionReply';
  readonly statusCode = 502;
  constructor(functionName: string, problem: string) {
    super(`${functionName} answered what is no HTTP reply: ${problem}. This is a fault of the function.`, {
      details: { functionName, problem },
    });
  }
}
