import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex, Readable } from 'node:stream';
import * as z from 'zod/mini';
import { messageOf } from '../../shared/errors.ts';
import type { Json, JsonObject } from '../../shared/json.ts';
import type { Log } from '../../shared/log.ts';
import { PythonAdapterUnusable, PythonDied, PythonRaised } from './errors.ts';
import { encodeFrame, type Frame, FrameReader } from './frames.ts';
import { type HostCall, type HostEvent, hostMessageSchema, type Raised } from './messages.ts';
import { OutputLog } from './output-log.ts';

/** How long a child may go on after it was told to stop, and then after SIGTERM. */
const CANCEL_GRACE_MS = 2000;
const TERM_GRACE_MS = 1000;
/** A process that is gone may have written more than was read; those it forked may hold the pipe for ever. */
const LAST_WORDS_MS = 250;
/** How long a process without a line may go on. */
const END_OF_LINE_MS = 500;

export interface ChildOptions {
  /** The program and its arguments. */
  command: string;
  arguments: readonly string[];
  /** All the variables it gets. */
  environment: Readonly<Record<string, string>>;
  /** Its working folder. */
  directory: string;
  /** File of the adapter, for messages. */
  entryPoint: string;
  /** Log of the run that the process works for now. */
  currentLog: () => Log;
}

export interface RequestOptions {
  /** Bytes that go with the parameters. */
  binary?: readonly Uint8Array[];
  /** The child is told; one that does not stop is killed. The request is rejected with what came of it. */
  signal?: AbortSignal | undefined;
  onEvent?: (event: HostEvent) => void;
  /** Gets the bytes that come with the answer, before it. */
  onBinary?: (binary: Uint8Array) => void;
  /** Answers a question of the adapter. */
  onCall?: (call: HostCall) => Promise<Json> | Json;
}

interface Pending extends RequestOptions {
  method: string;
  resolve(result: Json): void;
  reject(error: unknown): void;
  /** Lets go of signal and timers. */
  settle(): void;
}

/**
 * A Python process with the host script, and the line to it on descriptor 3. It answers one request at a time, in order.
 * Its death rejects what waits, with its last words. While nothing waits it keeps no program alive.
 */
export class PythonChild {
  readonly #entryPoint: string;
  readonly #currentLog: () => Log;
  readonly #process: ChildProcess;
  readonly #line: Duplex;
  readonly #output: OutputLog;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<PythonDied>;
  #nextId = 1;
  #death: string | undefined;
  #isGone = false;
  #rssBytes = 0;

  constructor({ command, arguments: args, environment, directory, entryPoint, currentLog }: ChildOptions) {
    this.#entryPoint = entryPoint;
    this.#currentLog = currentLog;
    this.#output = new OutputLog(currentLog, entryPoint);
    // A group of its own: what it forks ends with it.
    this.#process = spawn(command, [...args], {
      cwd: directory,
      env: { ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#line = this.#process.stdio[3] as Duplex;
    this.#output.follow(this.#process.stdout!, 'stdout');
    this.#output.follow(this.#process.stderr!, 'stderr');
    this.#ended = this.#watch();
    this.#listen();
    this.#holdProgram(false);
  }

  get isAlive(): boolean {
    return !this.#isGone && this.#death === undefined;
  }

  /** Memory it took when it answered last, in bytes. */
  get rssBytes(): number {
    return this.#rssBytes;
  }

  get isBusy(): boolean {
    return this.#pending.size > 0;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** @throws PythonRaised, PythonAdapterUnusable, PythonDied, PythonFrameTooLarge, the signal's reason */
  request(method: string, params: JsonObject = {}, options: RequestOptions = {}): Promise<Json> {
    const { signal, binary } = options;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const id = this.#nextId;
    this.#nextId += 1;
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    const frame = encodeFrame({ id, method, params }, binary);
    const onAbort = () => this.#cancel(id);
    const settle = () => {
      signal?.removeEventListener('abort', onAbort);
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#holdProgram(false);
    };
    this.#pending.set(id, { ...options, method, resolve, reject, settle });
    this.#holdProgram(true);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (this.isAlive) this.#write(frame);
    else this.#ended.then((died) => this.#rejectAll(died));
    return promise;
  }

  /** A word that is not answered. False: there is nobody to hear it. @throws PythonFrameTooLarge */
  tell(message: JsonObject, binary: readonly Uint8Array[] = []): boolean {
    if (this.isAlive) this.#write(encodeFrame(message, binary));
    return this.isAlive;
  }

  /** Ends the process and all that it forked; resolves when it is gone. May be called twice. */
  async end(): Promise<void> {
    this.#kill('was ended');
    // Who waits for its end must not end before.
    if (!this.#isGone) this.#holdProgram(true);
    await this.#ended;
  }

  /** As `end`, for who cannot wait. */
  kill(): void {
    this.#kill('was ended');
  }

  #write(chunks: readonly Uint8Array[]): void {
    this.#line.cork();
    for (const chunk of chunks) this.#line.write(chunk);
    this.#line.uncork();
  }

  #listen(): void {
    const reader = new FrameReader();
    this.#line.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.read(chunk)) this.#take(frame);
      } catch (error) {
        this.#kill(`broke the protocol: ${messageOf(error)}`);
      }
    });
    // Mostly the process is about to end, and its end says more.
    this.#line.on('end', () => {
      setTimeout(() => this.#kill('closed its line'), END_OF_LINE_MS).unref();
    });
    // What happened to the process is told by its end.
    this.#line.on('error', () => undefined);
  }

  #take({ message, binary }: Frame): void {
    const result = z.safeParse(hostMessageSchema, message);
    if (!result.success) throw new Error('a message that is none of the protocol');
    const said = result.data;
    if ('hello' in said) return;
    if ('reply' in said) {
      this.#settle(said.reply, said, binary);
      return;
    }
    const pending = this.#pending.get(said.id);
    // Of a request that ended meanwhile.
    if (!pending) return;
    if ('event' in said) pending.onEvent?.(said);
    else void this.#answer(pending, said);
  }

  #settle(
    id: number,
    said: { result: Json; rssBytes: number } | { error: Raised; rssBytes: number },
    binary: Uint8Array,
  ): void {
    this.#rssBytes = said.rssBytes;
    const pending = this.#pending.get(id);
    if (!pending) return;
    // An answer counts even if the process dies now.
    this.#pending.delete(id);
    // Lines that the process printed before its reply are in its pipes and are read in this turn of the event loop.
    setImmediate(() => {
      this.#output.flush();
      pending.settle();
      if ('result' in said) {
        pending.onBinary?.(binary);
        pending.resolve(said.result);
      } else pending.reject(this.#errorOf(pending, said.error));
    });
  }

  #errorOf({ method, signal }: Pending, raised: Raised): unknown {
    if (signal?.aborted) return signal.reason;
    const { kind, type, message, at, traceback } = raised;
    if (kind !== 'problem')
      this.#currentLog().warn('python raised', { adapter: this.#entryPoint, method, traceback });
    if (kind === 'problem') return new PythonAdapterUnusable(this.#entryPoint, message);
    if (method === 'describe_adapter')
      return new PythonAdapterUnusable(
        this.#entryPoint,
        `importing it raised ${type}: ${message}`,
        at ?? undefined,
      );
    return new PythonRaised(this.#entryPoint, method, { type, message, at });
  }

  async #answer({ onCall, signal }: Pending, call: HostCall): Promise<void> {
    const answer = call.call;
    try {
      if (!onCall) throw new Error(`${call.name} cannot be asked here`);
      this.#write(encodeFrame({ answer, value: await onCall(call) }));
    } catch (error) {
      const reason = signal?.aborted ? 'the run is to stop' : messageOf(error);
      if (this.isAlive) this.#write(encodeFrame({ answer, error: reason }));
    }
  }

  /** Told first; killed when it does not listen. Others that wait in it are rejected as by a death. */
  #cancel(id: number): void {
    if (!this.isAlive) return;
    this.#write(encodeFrame({ cancel: id }));
    setTimeout(() => {
      if (!this.#pending.has(id)) return;
      this.#signal('SIGTERM');
      setTimeout(() => {
        if (this.#pending.has(id)) this.#kill('did not stop when it was told to');
      }, TERM_GRACE_MS).unref();
    }, CANCEL_GRACE_MS).unref();
  }

  /** Resolves, never rejects, when the process is gone. */
  async #watch(): Promise<PythonDied> {
    const how = await new Promise<string>((resolve) => {
      this.#process.once('error', (error) => resolve(`could not be started: ${messageOf(error)}`));
      this.#process.once('exit', (code, signal) =>
        resolve(signal === null ? `ended with code ${code}` : `was killed by ${signal}`),
      );
    });
    this.#isGone = true;
    // Those it forked are left in its group.
    this.#signal('SIGKILL');
    const { stderr } = this.#process;
    if (stderr && !stderr.readableEnded)
      await Promise.race([once(stderr, 'close').catch(() => undefined), timeout(LAST_WORDS_MS)]);
    for (const stream of [this.#line, this.#process.stdout, stderr]) (stream as Readable | null)?.destroy();
    const died = new PythonDied(this.#entryPoint, this.#death ?? how, this.#output.lastWords);
    this.#rejectAll(died);
    return died;
  }

  #rejectAll(died: PythonDied): void {
    for (const pending of [...this.#pending.values()]) {
      pending.settle();
      pending.reject(pending.signal?.aborted ? pending.signal.reason : died);
    }
  }

  #kill(how: string): void {
    if (!this.isAlive) return;
    this.#death = how;
    this.#signal('SIGKILL');
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  }

  #holdProgram(hold: boolean): void {
    for (const each of [this.#process, this.#line, this.#process.stdout, this.#process.stderr]) {
      const holding = each as { ref?: () => void; unref?: () => void } | null;
      if (hold) holding?.ref?.();
      else holding?.unref?.();
    }
  }
}

function timeout(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
