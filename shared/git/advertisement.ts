import { isCommitId } from './address.ts';
import { GitProtocolError, shown } from './errors.ts';
import type { PacketReader } from './packet-line.ts';

/** What a repository says it has. */
export interface RemoteRefs {
  /** Full names (`refs/heads/main`, `HEAD`) to object ids. */
  refs: ReadonlyMap<string, string>;
  /** For annotated tags, by full name: the commit they stand for. */
  peeled: ReadonlyMap<string, string>;
  /** Full name of the branch that HEAD stands for; missing when HEAD is a commit, or the server does not say. */
  head?: string | undefined;
}

export interface Advertisement extends RemoteRefs {
  capabilities: ReadonlySet<string>;
}

const MAX_REFS = 500_000;

/**
 * Reads the list of refs that a service begins with, version 0 or 1 of the protocol. Format: gitprotocol-pack.txt,
 * "Reference Discovery", and gitprotocol-http.txt, "Smart Clients".
 * @throws GitProtocolError
 */
export async function readAdvertisement(reader: PacketReader): Promise<Advertisement> {
  const refs = new Map<string, string>();
  const peeled = new Map<string, string>();
  let capabilities: string[] | undefined;
  for (let line = await firstLine(reader); line !== 'flush'; line = await reader.next()) {
    if (line === undefined) throw reader.cut();
    const text = line.toString('utf8').replace(/\n$/, '');
    if (text.startsWith('ERR ')) throw new GitProtocolError(shown(text.slice(4)));
    if (text === 'version 1' || text.startsWith('shallow ')) continue;
    const [entry = '', offered] = text.split('\0');
    capabilities ??= offered?.split(' ') ?? [];
    const [oid = '', name = ''] = split(entry);
    if (!isCommitId(oid) || name === '')
      throw new GitProtocolError('its list of branches has a line that is none');
    if (name.endsWith('^{}')) peeled.set(name.slice(0, -3), oid);
    else refs.set(name, oid);
    if (refs.size > MAX_REFS) throw new GitProtocolError(`it has more than ${MAX_REFS} branches and tags`);
  }
  peeled.delete('capabilities');
  const offers = new Set(capabilities ?? []);
  const format = [...offers].find((offer) => offer.startsWith('object-format='));
  if (format !== undefined && format !== 'object-format=sha1')
    throw new GitProtocolError(`it names objects by ${shown(format)}, sha1 is understood`);
  return { refs, peeled, head: headOf(offers), capabilities: offers };
}

/** Capability `symref=HEAD:refs/heads/main` (gitprotocol-capabilities.txt, "symref"). */
function headOf(offers: ReadonlySet<string>): string | undefined {
  const symref = [...offers].find((offer) => offer.startsWith('symref=HEAD:refs/heads/'));
  return symref?.slice('symref=HEAD:'.length);
}

/** Over http a line with the service's name and a flush come before the first ref. */
async function firstLine(reader: PacketReader): Promise<Buffer | 'flush' | undefined> {
  const line = await reader.next();
  if (line === undefined || line === 'flush' || !line.toString('latin1').startsWith('# service='))
    return line;
  const flush = await reader.next();
  return flush === 'flush' ? reader.next() : flush;
}

function split(entry: string): [string, string] {
  const space = entry.indexOf(' ');
  return [entry.slice(0, space), entry.slice(space + 1)];
}
