import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { Readable as ReadableStream } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isModelfnError, systemCode } from '../errors.ts';
import type { GitAddress } from './address.ts';
import {
  failureOf,
  GitAccessDenied,
  GitProgramMissing,
  GitRepositoryNotFound,
  GitUnavailable,
  shown,
} from './errors.ts';
import { PacketReader } from './packet-line.ts';
import type { PackFile } from './remote.ts';
import type { ConnectGit, GitConnection, GitService } from './wire-remote.ts';

export interface SshOptions {
  address: GitAddress;
  /** The client program, found by PATH: OpenSSH's `ssh`. */
  program: string;
  /** Without a byte from the server. */
  idleMs: number;
}

const MAX_STDERR_BYTES = 4096;

/**
 * Git's services through OpenSSH's client: one process, one channel a talk. Keys, known hosts and the agent are those
 * of the machine; nobody is asked anything, and an unknown host is refused.
 */
export function connectSsh(options: SshOptions): ConnectGit {
  return async (service, signal) => {
    signal?.throwIfAborted();
    return new SshConnection(options, service, signal);
  };
}

class SshConnection implements GitConnection {
  readonly greeting: PacketReader;
  readonly #options: SshOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #watch: NodeJS.Timeout;
  readonly #ended: Promise<{ failure?: unknown; exitCode?: number | null }>;
  readonly #exited: Promise<void>;
  #complaint = '';
  #isSilent = false;

  constructor(options: SshOptions, service: GitService, signal: AbortSignal | undefined) {
    this.#options = options;
    this.#signal = signal;
    const child = spawn(options.program, sshArguments(options.address, service), {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(signal && { signal }),
    });
    this.#process = child;
    this.#watch = setTimeout(() => {
      this.#isSilent = true;
      child.kill();
    }, options.idleMs);
    this.#ended = new Promise((resolve) => {
      child.once('error', (failure) => resolve({ failure }));
      child.once('close', (exitCode) => resolve({ exitCode }));
    });
    this.#exited = new Promise((resolve) => {
      child.once('error', () => resolve());
      child.once('exit', () => resolve());
    });
    child.stdin.on('error', () => {});
    child.stderr.on('data', (chunk: Buffer) => {
      this.#complaint = `${this.#complaint}${chunk.toString('utf8')}`.slice(0, MAX_STDERR_BYTES);
    });
    this.greeting = new PacketReader(this.#bytes(), options.address.url);
  }

  async request(body: PackFile): Promise<PacketReader> {
    try {
      await pipeline(ReadableStream.from(body.chunks()), this.#process.stdin);
    } catch (error) {
      if (isModelfnError(error)) throw error;
      // Why it hung up stands in what it answers, or in how it ends.
    }
    return this.greeting;
  }

  async close(): Promise<void> {
    clearTimeout(this.#watch);
    if (this.#process.stdin.writable) this.#process.stdin.end('0000');
    this.#process.stdout.destroy();
    this.#process.stderr.destroy();
    if (this.#process.exitCode === null) this.#process.kill();
    // Not until its streams are closed: what it started may hold them.
    await this.#exited;
  }

  async *#bytes(): AsyncGenerator<Uint8Array> {
    let isEmpty = true;
    const { idleMs, address } = this.#options;
    try {
      for await (const chunk of this.#process.stdout) {
        this.#watch.refresh();
        isEmpty = false;
        yield chunk as Uint8Array;
      }
      const { failure, exitCode } = await this.#ended;
      if (failure !== undefined) throw failure;
      if (this.#isSilent) throw new GitUnavailable(address.url, `no answer for ${idleMs} ms`);
      if (isEmpty || exitCode !== 0) throw this.#refusal(exitCode);
    } catch (error) {
      throw this.#wrap(error);
    }
  }

  #wrap(error: unknown): unknown {
    const { program, address } = this.#options;
    if (this.#signal?.aborted) return this.#signal.reason;
    if (isModelfnError(error)) return error;
    return systemCode(error) === 'ENOENT'
      ? new GitProgramMissing(program, error)
      : new GitUnavailable(address.url, failureOf(error), error);
  }

  /** ssh itself ends with 255; other codes are the service's. */
  #refusal(exitCode: number | null | undefined): Error {
    const { url } = this.#options.address;
    const text = shown(this.#complaint) || `ssh ended with ${exitCode}`;
    if (/permission denied|host key verification failed/i.test(text))
      return new GitAccessDenied(url, true, text);
    if (exitCode === 255) return new GitUnavailable(url, text);
    return /not our ref|unadvertised object/i.test(text)
      ? new GitUnavailable(url, text)
      : new GitRepositoryNotFound(url, text);
  }
}

/** The address was checked: neither user, host nor path can be taken for an option or for more words of a shell. */
function sshArguments({ user, host, port, path }: GitAddress, service: GitService): string[] {
  return [
    '-T',
    '-oBatchMode=yes',
    '-oClearAllForwardings=yes',
    '-oPermitLocalCommand=no',
    ...(port === '' ? [] : ['-p', port]),
    '--',
    `${user}@${host}`,
    `${service} '${path}'`,
  ];
}
