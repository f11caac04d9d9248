import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';

/**
 * Addresses that are not of the public internet: loopback, private, link-local (cloud metadata), shared, multicast,
 * documentation and reserved ranges. Source: IANA's special-purpose address registries, RFC 6890 and its updates.
 */
const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** Global unicast IPv6; everything outside of it is special. */
const GLOBAL_V6 = '2000::/3';
/** Parts of the global range that are special, or that carry an IPv4 address (Teredo, 6to4). */
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const special = new BlockList();
for (const range of SPECIAL_V4) addRange(special, range, 'ipv4');
for (const range of SPECIAL_V6) addRange(special, range, 'ipv6');
const global = new BlockList();
addRange(global, GLOBAL_V6, 'ipv6');

/** Returns true for an IP address of the public internet. Text that is not an address is not one. */
export function isPublicAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '');
  if (isIP(plain) === 0) return false;
  if (isIPv6(plain)) return global.check(plain, 'ipv6') && !special.check(plain, 'ipv6');
  return !special.check(plain, 'ipv4');
}

/** A name that has an address outside the public internet. Thrown inside; the connection turns it into its own error. */
export class NotPublic extends Error {
  override readonly name = 'NotPublic';
}

/**
 * Returns a resolver for sockets that fails with `NotPublic` when a name has any address outside the public internet. The
 * socket connects to the very addresses that were checked, so that a second resolution cannot point elsewhere.
 */
export function createPublicLookup(resolve: LookupFunction = systemLookup as LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 0);
      const addresses = Array.isArray(found) ? found : [];
      if (addresses.length === 0 || !addresses.every(({ address }) => isPublicAddress(address)))
        return callback(new NotPublic(hostname), '', 0);
      if (options.all) return callback(null, addresses);
      return callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}

function addRange(list: BlockList, range: string, family: 'ipv4' | 'ipv6'): void {
  const [address, bits] = range.split('/');
  list.addSubnet(address!, Number(bits), family);
}
