import { compact, ModelfnError } from '../../shared/errors.ts';

/** No Python to run the adapter with. */
export class PythonMissing extends ModelfnError {
  override readonly name = 'PythonMissing';
  readonly code = 'PythonMissing';
  readonly statusCode = 501;
  constructor(command: string, problem: string, cause?: unknown) {
    super(
      `The adapter is written in Python, and ${command} ${problem}. Install Python 3.8 or later, or set MODELFN_PYTHON to one.`,
      { details: { command }, cause },
    );
  }
}

/** A model asks for a version of Python that is not installed. */
export class PythonVersionMissing extends ModelfnError {
  override readonly name = 'PythonVersionMissing';
  readonly code = 'PythonVersionMissing';
  readonly statusCode = 501;
  constructor(wanted: string, found: readonly string[]) {
    super(
      `The model asks for Python ${wanted}, which is not installed. Found: ${found.join(', ') || 'none'}. Install it, for example with "pyenv install ${wanted}" or "uv python install ${wanted}", or choose another version in the model's environment.`,
      { details: { wanted, found: [...found] } },
    );
  }
}

/** A model asks for a secret of the server that its adapter does not get. Nothing was started. */
export class AdapterSecretRefused extends ModelfnError {
  override readonly name = 'AdapterSecretRefused';
  readonly code = 'AdapterSecretRefused';
  readonly statusCode = 403;
  constructor(variable: string, secret: string, problem: string) {
    super(
      `The model's environment takes ${variable} from ${secret}, which ${problem}. The operator of the server sets ${secret}, and lists it in MODELFN_ADAPTER_SECRETS.`,
      { details: { variable, secret } },
    );
  }
}

/** The packages of `requirements.txt` could not be installed. */
export class PythonRequirementsFailed extends ModelfnError {
  override readonly name = 'PythonRequirementsFailed';
  readonly code = 'PythonRequirementsFailed';
  readonly statusCode = 422;
  constructor(problem: string, lastLines: string) {
    super(
      `The packages of requirements.txt ${problem}. Correct the file, or see that the package index can be reached.${lastLines === '' ? '' : ` pip said last:\n${lastLines}`}`,
      { details: { lastLines } },
    );
  }
}

/** A line of the requirements that modelfn does not pass to pip. Nothing was installed. */
export class PythonRequirementRefused extends ModelfnError {
  override readonly name = 'PythonRequirementRefused';
  readonly code = 'PythonRequirementRefused';
  readonly statusCode = 422;
  constructor(where: string, line: string, problem: string) {
    const shown = line.replace(/:\/\/[^/\s]*@/g, '://***@').slice(0, 200);
    super(
      line === ''
        ? `${where} cannot be installed: ${problem}.`
        : `The line ${JSON.stringify(shown)} of ${where} ${problem}.`,
      { details: { where, line: shown, problem } },
    );
  }
}

/** The Python file is no adapter, or cannot be imported. */
export class PythonAdapterUnusable extends ModelfnError {
  override readonly name = 'PythonAdapterUnusable';
  readonly code = 'PythonAdapterUnusable';
  readonly statusCode = 422;
  constructor(entryPoint: string, problem: string, at?: string) {
    super(
      `The adapter ${entryPoint} cannot be used: ${problem}${at === undefined ? '' : ` (${at})`}. adapters/python/README.md says what it has to have.`,
      { details: compact({ entryPoint, at }) },
    );
  }
}

/** What a method of the adapter raised. */
export class PythonRaised extends ModelfnError {
  override readonly name = 'PythonRaised';
  readonly code = 'PythonRaised';
  readonly statusCode = 422;
  constructor(
    entryPoint: string,
    method: string,
    raised: { type: string; message: string; at: string | null },
  ) {
    const at = raised.at ?? entryPoint;
    super(
      `${method}() of ${entryPoint} raised ${raised.type}: ${raised.message} (${at}). The log has the traceback.`,
      { details: { entryPoint, method, type: raised.type, at } },
    );
  }
}

/** The Python process ended, or broke its line, while it had something to do. */
export class PythonDied extends ModelfnError {
  override readonly name = 'PythonDied';
  readonly code = 'PythonDied';
  readonly statusCode = 503;
  override readonly retryable = true;
  constructor(entryPoint: string, how: string, lastWords: string) {
    super(
      `The Python process of ${entryPoint} ${how}.${lastWords === '' ? ' It said nothing on stderr.' : ` Its last words:\n${lastWords}`}`,
      { details: { entryPoint, how, lastWords } },
    );
  }
}

/** A method took longer than it may. */
export class PythonTimedOut extends ModelfnError {
  override readonly name = 'PythonTimedOut';
  readonly code = 'PythonTimedOut';
  readonly statusCode = 504;
  constructor(entryPoint: string, method: string, limitMs: number) {
    super(
      `${method}() of ${entryPoint} did not end within ${limitMs / 1000} s; its process was stopped. See in the log where it hangs.`,
      { details: { entryPoint, method, limitMs } },
    );
  }
}

/** A frame larger than either side takes. */
export class PythonFrameTooLarge extends ModelfnError {
  override readonly name = 'PythonFrameTooLarge';
  readonly code = 'PythonFrameTooLarge';
  readonly statusCode = 413;
  constructor(what: string, bytes: number, limit: number) {
    super(
      `A message of ${bytes} bytes of ${what} is too large; ${limit} is the most. Hand in fewer items at once.`,
      {
        details: { what, bytes, limit },
      },
    );
  }
}

/** An adapter was asked for what it can only do after `load` or `train`. */
export class PythonNotReady extends ModelfnError {
  override readonly name = 'PythonNotReady';
  readonly code = 'PythonNotReady';
  readonly statusCode = 409;
  constructor(entryPoint: string, method: string, why: string) {
    super(`${method}() of ${entryPoint} cannot be called: ${why}. Load the snapshot, or train it.`, {
      details: { entryPoint, method },
    });
  }
}

/** A request of an adapter to the entity API with a token that is not its gate's, or is over. */
export class TokenRefused extends ModelfnError {
  override readonly name = 'TokenRefused';
  readonly code = 'TokenRefused';
  readonly statusCode = 401;
  constructor() {
    super(
      "The token is not the one of this adapter's process, or is over. Take it from the process's own login, and renew it with the refresh token.",
    );
  }
}

/** A request of an adapter to the entity API while no run calls it. */
export class NoRunToAsk extends ModelfnError {
  override readonly name = 'NoRunToAsk';
  readonly code = 'NoRunToAsk';
  readonly statusCode = 403;
  constructor() {
    super(
      'No run calls the adapter just now: the API answers it within train, predict, save, load and convert.',
    );
  }
}
