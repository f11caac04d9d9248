import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Json, JsonObject } from '../../shared/json.ts';
import { type Invoked, RuntimeApi } from './runtime-api.ts';

export interface LambdaOptions {
  /** Name and what the template says of it. */
  properties: JsonObject;
  /** Its variables, worked out. */
  variables: Record<string, string>;
  zip: string;
  /** Folder that its code is unpacked in. */
  taskRoot: string;
  /** Path of AWS's runtime client. */
  runtimeClient: string;
}

/**
 * One Lambda function with one container: its zip unpacked, its handler called by AWS's runtime client in a process that
 * starts with the first event, stays warm, and is killed at the time limit.
 */
export class LambdaFunction {
  readonly #options: LambdaOptions;
  readonly #api = new RuntimeApi();
  #address: string | undefined;
  #process: ChildProcess | undefined;
  /** Everything the processes printed. */
  output = '';
  /** Processes started so far. */
  coldStarts = 0;

  private constructor(options: LambdaOptions) {
    this.#options = options;
  }

  static async create(options: LambdaOptions): Promise<LambdaFunction> {
    const files = unzipSync(await readFile(options.zip));
    for (const [path, bytes] of Object.entries(files)) {
      if (path.endsWith('/')) continue;
      await mkdir(dirname(join(options.taskRoot, path)), { recursive: true });
      await writeFile(join(options.taskRoot, path), bytes);
    }
    return new LambdaFunction(options);
  }

  get arn(): string {
    return `arn:aws:lambda:eu-west-1:123456789012:function:${this.#options.properties.FunctionName}`;
  }

  /** Invokes it as Lambda does; the time limit is the function's own unless given. */
  async invoke(event: Json, timeoutMs = Number(this.#options.properties.Timeout) * 1000): Promise<Invoked> {
    this.#address ??= await this.#api.listen();
    this.#process ??= this.#start(this.#address);
    const process = this.#process;
    const limit = setTimeout(() => {
      const seconds = (timeoutMs / 1000).toFixed(2);
      this.#api.fail((id) => ({
        errorType: 'Sandbox.Timedout',
        errorMessage: `RequestId: ${id} Error: Task timed out after ${seconds} seconds`,
      }));
      this.#process = undefined;
      process.kill('SIGKILL');
    }, timeoutMs);
    try {
      return await this.#api.invoke(event, { timeoutMs, arn: this.arn });
    } finally {
      clearTimeout(limit);
    }
  }

  /** Ends its container; the next event starts a new one. */
  async freeze(): Promise<void> {
    const ended = this.#process;
    this.#process = undefined;
    if (!ended || ended.exitCode !== null || ended.signalCode !== null) return;
    ended.kill('SIGKILL');
    this.#api.forget();
    await once(ended, 'exit');
  }

  async close(): Promise<void> {
    await this.freeze();
    if (this.#address !== undefined) await this.#api.close();
  }

  #start(address: string): ChildProcess {
    const { properties, variables, taskRoot, runtimeClient } = this.#options;
    const shim = join(import.meta.dirname, 'rapid-client.ts');
    this.coldStarts += 1;
    const name = String(properties.FunctionName);
    const child = spawn(process.execPath, ['--import', shim, runtimeClient, String(properties.Handler)], {
      cwd: taskRoot,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        TZ: ':UTC',
        LANG: 'en_US.UTF-8',
        AWS_LAMBDA_RUNTIME_API: address,
        _HANDLER: String(properties.Handler),
        LAMBDA_TASK_ROOT: taskRoot,
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(properties.MemorySize),
        AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
        AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/31/[$LATEST]0',
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'planted-secret-of-the-container',
        AWS_SESSION_TOKEN: 'planted-token-of-the-container',
        ...variables,
      },
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    this.#api.onInitError = ({ errorType, errorMessage }) => {
      this.#api.fail(() => ({ errorType, errorMessage }));
    };
    child.on('exit', (code, signal) => {
      if (this.#process !== child) return;
      this.#process = undefined;
      const how = signal ? `signal: ${signal}` : `exit status ${code}`;
      this.#api.fail((id) => ({
        errorType: 'Runtime.ExitError',
        errorMessage: `RequestId: ${id} Error: Runtime exited with error: ${how}`,
      }));
    });
    return child;
  }
}
