import { hasCode } from '../errors.ts';
import { type Advertisement, type RemoteRefs, readAdvertisement } from './advertisement.ts';
import { GitProtocolError, GitPushRefused, GitRefMoved, GitWantRefused, shown } from './errors.ts';
import { encodePacket, FLUSH_PACKET, type PacketReader } from './packet-line.ts';
import type { FetchRequest, GitRemote, PackFile, RefUpdate } from './remote.ts';

export type GitService = 'git-upload-pack' | 'git-receive-pack';

/** One talk with a service: it begins with its list of refs, then answers one request. */
export interface GitConnection {
  /** At the start of the list of refs. */
  readonly greeting: PacketReader;
  /** Sends the request; at the start of the answer. */
  request(body: PackFile): Promise<PacketReader>;
  /** Ends the talk, however far it came. */
  close(): Promise<void>;
}

export type ConnectGit = (service: GitService, signal: AbortSignal | undefined) => Promise<GitConnection>;

const AGENT = 'agent=modelfn';
const NONE = '0'.repeat(40);

/** Git's pack protocol, version 0, over any connection. Source: gitprotocol-pack.txt and gitprotocol-capabilities.txt. */
export class WireRemote implements GitRemote {
  readonly #url: string;
  readonly #connect: ConnectGit;

  constructor(url: string, connect: ConnectGit) {
    this.#url = url;
    this.#connect = connect;
  }

  read<T>(
    session: (refs: RemoteRefs, fetch: (request: FetchRequest) => AsyncIterable<Uint8Array>) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    return this.#talk('git-upload-pack', signal, (advertised, connection) =>
      session(advertised, (request) => fetchPack(connection, advertised, request)),
    );
  }

  async push(update: RefUpdate, pack: PackFile, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#talk('git-receive-pack', signal, async (advertised, connection) => {
        if (advertised.refs.get(update.branch) !== update.from)
          throw new GitRefMoved(this.#url, update.branch);
        const reason = await sendPack(connection, advertised, update, pack);
        if (reason !== undefined) throw new GitPushRefused(this.#url, update.branch, reason);
      });
    } catch (error) {
      if (!hasCode(error, 'GitPushRefused') && !hasCode(error, 'GitUnavailable')) throw error;
      await this.#lookAgain(update, error, signal);
    }
  }

  /** A refusal may be a race lost at the last moment, and a connection may break after the branch was moved. */
  async #lookAgain(update: RefUpdate, error: unknown, signal: AbortSignal | undefined): Promise<void> {
    const tip = await this.read(async ({ refs }) => refs.get(update.branch), signal).catch(() => {
      throw error;
    });
    if (tip === update.to) return;
    throw tip === update.from ? error : new GitRefMoved(this.#url, update.branch);
  }

  async #talk<T>(
    service: GitService,
    signal: AbortSignal | undefined,
    talk: (advertised: Advertisement, connection: GitConnection) => Promise<T>,
  ): Promise<T> {
    const connection = await this.#connect(service, signal);
    try {
      return await talk(await readAdvertisement(connection.greeting), connection);
    } finally {
      await connection.close();
    }
  }
}

async function* fetchPack(
  connection: GitConnection,
  { capabilities }: Advertisement,
  { wants, haves, depth }: FetchRequest,
): AsyncGenerator<Uint8Array> {
  if (!capabilities.has('side-band-64k')) throw new GitProtocolError('it does not offer side-band-64k');
  const offers = ['side-band-64k', 'ofs-delta', 'no-progress'].filter((offer) => capabilities.has(offer));
  const isShallow = capabilities.has('shallow');
  const lines = wants.map((oid, index) =>
    encodePacket(`want ${oid}${index === 0 ? ` ${[...offers, AGENT].join(' ')}` : ''}\n`),
  );
  if (isShallow) lines.push(...haves.map((oid) => encodePacket(`shallow ${oid}\n`)));
  if (isShallow && depth !== undefined) lines.push(encodePacket(`deepen ${depth}\n`));
  lines.push(FLUSH_PACKET, ...haves.map((oid) => encodePacket(`have ${oid}\n`)), encodePacket('done\n'));
  yield* packOf(await connection.request(inMemory(lines)));
}

/** The pack inside an answer: after shallow lines and ACK or NAK it comes in packets of band 1. */
async function* packOf(answer: PacketReader): AsyncGenerator<Uint8Array> {
  let begun = false;
  for (let packet = await answer.next(); packet !== undefined; packet = await answer.next()) {
    if (packet === 'flush') {
      if (begun) return;
      continue;
    }
    const band = packet[0];
    if (band === 1) {
      begun = true;
      yield packet.subarray(1);
    } else if (band === 3) {
      throw refusalOf(packet.subarray(1).toString('utf8'));
    } else if (band !== 2) {
      const text = packet.toString('utf8').trim();
      if (text.startsWith('ERR ')) throw refusalOf(text.slice(4));
      if (!/^(NAK|ACK |shallow |unshallow )/.test(text))
        throw new GitProtocolError('it has a line that is unknown');
    }
  }
  throw answer.cut();
}

function refusalOf(text: string): Error {
  const detail = shown(text);
  return /not our ref|unadvertised object|not valid/i.test(detail)
    ? new GitWantRefused(detail)
    : new GitProtocolError(detail);
}

/** Pushes; answers the server's reason when it refused. */
async function sendPack(
  connection: GitConnection,
  { capabilities }: Advertisement,
  { branch, from = NONE, to }: RefUpdate,
  pack: PackFile,
): Promise<string | undefined> {
  if (!capabilities.has('report-status'))
    throw new GitProtocolError('it does not report what became of a push');
  // With bands a server that works long says so, and hooks can tell what they want.
  const isBanded = capabilities.has('side-band-64k');
  const offers = ['report-status', 'side-band-64k', 'quiet'].filter((offer) => capabilities.has(offer));
  const command = `${from} ${to} ${branch}\0${[...offers, AGENT].join(' ')}`;
  const head = Buffer.concat([encodePacket(command), FLUSH_PACKET]);
  const answer = await connection.request({
    sizeBytes: head.byteLength + pack.sizeBytes,
    chunks: async function* () {
      yield head;
      yield* pack.chunks();
    },
  });
  const told: string[] = [];
  const reason = await readReport(isBanded ? answer.inside((text) => told.push(text)) : answer, branch);
  return reason === undefined ? undefined : shown([reason, ...told].join(': '));
}

/** Nothing when the branch was moved, else why not. Format: gitprotocol-pack.txt, "Report Status". */
async function readReport(report: PacketReader, branch: string): Promise<string | undefined> {
  let isUnpacked = false;
  let isMoved = false;
  for (let line = await report.next(); line !== undefined && line !== 'flush'; line = await report.next()) {
    const text = line.toString('utf8').trim();
    if (text === 'unpack ok') isUnpacked = true;
    else if (text === `ok ${branch}`) isMoved = true;
    else return text.replace(/^ng \S+ /, '') || 'it gives no reason';
  }
  if (!isUnpacked || !isMoved) throw report.cut();
  return undefined;
}

function inMemory(parts: readonly Buffer[]): PackFile {
  const body = Buffer.concat(parts);
  return {
    sizeBytes: body.byteLength,
    chunks: async function* () {
      yield body;
    },
  };
}
