import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net'
import type { buildConnector } from 'undici'
import { configurationError } from '../core/errors.ts'

/** What belongs to one machine, one network or nobody: from IANA's registries of special-purpose addresses. */
const PRIVATE_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // With 169.254.169.254 in it, where clouds tell a machine its credentials.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
const PRIVATE_IPV6: readonly (readonly [string, number])[] = [
  // Unspecified, loopback and addresses that only look like IPv4 ones.
  ['::', 96],
  // NAT64 within a network: whichever of its addresses that is.
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]

const PRIVATE = privateAddresses()

/** IPv4 addresses also stand within IPv6 ones: mapped (BlockList knows those), by NAT64 and by 6to4. */
function privateAddresses(): BlockList {
  const list = new BlockList()
  for (const [address, bits] of PRIVATE_IPV6) list.addSubnet(address, bits, 'ipv6')
  for (const [address, bits] of PRIVATE_IPV4) {
    list.addSubnet(address, bits, 'ipv4')
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
    const halves = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
    list.addSubnet(`64:ff9b::${halves}`, 96 + bits, 'ipv6')
    list.addSubnet(`2002:${halves}::`, 16 + bits, 'ipv6')
  }
  return list
}

/** Whether an IP address is one of a machine or network of its own, and not of the internet. */
export function isPrivateAddress(address: string): boolean {
  const [bare = ''] = address.split('%')
  return PRIVATE.check(bare, isIPv4(bare) ? 'ipv4' : 'ipv6')
}

/**
 * Connects to public addresses only. The address that is looked at is the one that is connected to: a name that is
 * resolved a second time cannot become another one in between.
 */
export function publicConnector(
  connect: (options: { readonly lookup: LookupFunction }) => buildConnector.connector,
): buildConnector.connector {
  const connector = connect({ lookup: publicLookup })
  return (options, callback) => {
    // No name, and so nothing to look up.
    if (isIP(options.hostname) !== 0 && isPrivateAddress(options.hostname)) {
      return callback(refusal(options.hostname), null)
    }
    return connector(options, callback)
  }
}

const publicLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, options, (error, address: string | LookupAddress[], family?: number) => {
    if (error !== null) return callback(error, address, family)
    const addresses = typeof address === 'string' ? [address] : address.map((one) => one.address)
    if (addresses.some(isPrivateAddress)) return callback(refusal(hostname), address, family)
    callback(null, address, family)
  })
}

function refusal(host: string): Error {
  return configurationError(
    'private_host',
    `${host} is an address of this machine or of a private network, and those are not reached: correct the URL, or ` +
      'allow private hosts in the connection',
  )
}
