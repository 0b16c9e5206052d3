/** Who is at the other end: the client's address, through the proxies that the config trusts and no others. */

import { BlockList, isIP, type Socket } from 'node:net'

/** True for an address (as `plainAddress` writes it) whose X-Forwarded-For and X-Request-Id are believed. */
export type IsTrusted = (address: string) => boolean

/** @param networks addresses and CIDRs, checked at load */
export function trustedPeers(networks: readonly string[]): IsTrusted {
  if (networks.length === 0) return () => false
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

const PEER: unique symbol = Symbol('peer address')
type SocketWithPeer = Socket & { [PEER]?: string }

/** The address of the connection, kept on the socket: it is the same for every request on it. */
export function peerAddress(socket: SocketWithPeer): string {
  const known = socket[PEER]
  if (known !== undefined) return known
  // A socket that is gone has no address; 0.0.0.0 is in nobody's allow list and in no trusted network.
  const address = plainAddress(socket.remoteAddress ?? '') ?? '0.0.0.0'
  socket[PEER] = address
  return address
}

/** The address without zone and port, IPv4 also where it was mapped into IPv6; `undefined` where it is none. */
export function plainAddress(text: string): string | undefined {
  const zone = text.indexOf('%')
  const address = zone === -1 ? text : text.slice(0, zone)
  switch (isIP(address)) {
    case 4:
      return address
    case 6:
      return shortestForm(address)
    default:
      return undefined
  }
}

/** An IPv6 address has many spellings, and one that only wraps an IPv4 address is that address. RFC 5952, RFC 4291 §2.5.5.2 */
function shortestForm(address: string): string {
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short)
  if (mapped === null) return short
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

export interface ForwardedFor {
  readonly clientAddress: string
  /** What X-Forwarded-For says upstream: the client, behind trusted proxies followed by theirs. */
  readonly chain: string
}

/**
 * The rightmost address that no trusted proxy vouches past. An entry that is no address ends the walk: what stands
 * left of it was written by somebody unknown.
 * @param headers every X-Forwarded-For line, in order
 */
export function forwardedFor(
  peer: string,
  headers: readonly string[],
  isTrusted: IsTrusted,
): ForwardedFor {
  if (headers.length === 0 || !isTrusted(peer)) return { clientAddress: peer, chain: peer }
  const entries = headers.join(',').split(',')
  let client = peer
  let chain = peer
  for (let i = entries.length - 1; i >= 0; i--) {
    const address = plainAddress((entries[i] ?? '').trim())
    if (address === undefined) break
    client = address
    chain = `${address}, ${chain}`
    if (!isTrusted(address)) break
  }
  return { clientAddress: client, chain }
}
