/** Where text goes. */
export interface TextSink {
  write(text: string): unknown;
}

/** All that the command knows of the process it runs in: tests hand in their own. */
export interface CliIo {
  /** What was asked for: text for people, or with `--json` one JSON document. */
  readonly stdout: TextSink;
  /** Progress, warnings, errors for people. */
  readonly stderr: TextSink;
  /** True when a person sees stderr: only then are bars drawn and questions asked. */
  readonly isTTY: boolean;
  /** Width of the terminal in characters; 80 when missing. */
  readonly columns?: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; relative paths of arguments start here. */
  readonly cwd: string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Aborted by Ctrl-C: what runs is asked to stop, and waited for. */
  readonly interrupted: AbortSignal;
  /** Asks the person; missing where there is nobody to ask. */
  ask?(question: string): Promise<string>;
}
