import { ModelfnError } from '../errors.ts';

/** A service of AWS refused what the relay asked of it. The outbox keeps what was not taken. */
export class RelayRefused extends ModelfnError {
  override readonly name = 'RelayRefused';
  readonly code = 'RelayRefused';
  readonly statusCode = 503;
  override readonly retryable = true;
  constructor(what: string, reason: string, cause?: unknown) {
    super(`AWS did not take ${what}: ${reason}. Nothing is lost: the relay tries again every minute.`, {
      details: { what, reason },
      cause,
    });
  }
}

/** A setting that the relay cannot work without. */
export class RelaySettingMissing extends ModelfnError {
  override readonly name = 'RelaySettingMissing';
  readonly code = 'RelaySettingMissing';
  readonly statusCode = 500;
  constructor(setting: string) {
    super(
      `${setting} is not set, and the relay needs it. serverless.yml sets it on AWS, the only place to run it.`,
      {
        details: { setting },
      },
    );
  }
}
