/** Addresses and networks: read at load, compared by numbers on the hot path. */

import ipaddr from 'ipaddr.js'

/** Whether an address lies in a network; a text that is no address lies in none. */
export type AddressTest = (address: string) => boolean

export interface Network {
  readonly contains: AddressTest
  /** The network as it is usually written, such as `198.51.100.0/24`; another text than the given one where bits of the host are set. */
  readonly canonical: string
  readonly hostBitsSet: boolean
}

const NETWORK = /^([^/%]+)(?:\/(0|[1-9][0-9]{0,2}))?$/
const IPV4 = /^(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}$/

/** Reads an address or a CIDR network; IPv4 may also be written as IPv4-mapped IPv6. Otherwise says what is wrong. */
export function compileNetwork(text: string): Network | string {
  const match = NETWORK.exec(text)
  if (match?.[1] === undefined) return `\`${text}\` is no address or CIDR network`
  const [, host, length] = match
  if (host.includes(':')) return compileV6(host, length)
  if (!IPV4.test(host) || !ipaddr.IPv4.isValid(host)) return badV4(text)
  const bits = length === undefined ? 32 : Number(length)
  if (bits > 32) return `an IPv4 network has at most 32 bits, not \`/${length}\``
  return networkV4(parseV4(host), bits)
}

function badV4(text: string): string {
  const hint = /^[0-9.]+(\/[0-9]+)?$/.test(text) ? '; write four numbers without leading zeros' : ''
  return `\`${text}\` is no address or CIDR network${hint}`
}

function compileV6(host: string, length: string | undefined): Network | string {
  if (!ipaddr.IPv6.isValid(host)) return `\`${host}\` is no IPv6 address`
  const address = ipaddr.IPv6.parse(host)
  const bits = length === undefined ? 128 : Number(length)
  if (bits > 128) return `an IPv6 network has at most 128 bits, not \`/${length}\``
  if (!address.isIPv4MappedAddress()) return networkV6(address.parts, bits)
  if (bits < 96) return 'a network of IPv4-mapped addresses has 96 bits or more; write it as IPv4'
  return networkV4(parseV4(address.toIPv4Address().toString()), bits - 96)
}

function networkV4(address: number, bits: number): Network {
  // In JavaScript a shift by 32 is a shift by 0.
  const mask = bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0
  const network = (address & mask) >>> 0
  const dotted = [24, 16, 8, 0].map((shift) => (network >>> shift) & 255).join('.')
  return {
    contains: (text) => {
      const value = parseV4(text)
      if (value >= 0) return (value & mask) >>> 0 === network
      const mapped = text.startsWith('::ffff:') ? parseV4(text.slice(7)) : -1
      return mapped >= 0 && (mapped & mask) >>> 0 === network
    },
    canonical: `${dotted}/${bits}`,
    hostBitsSet: network !== address,
  }
}

function networkV6(parts: readonly number[], bits: number): Network {
  const masks = parts.map((_, i) => (0xffff << (16 - clamp(bits - 16 * i))) & 0xffff)
  const network = parts.map((part, i) => part & (masks[i] ?? 0))
  return {
    contains: (text) => {
      if (!text.includes(':') || !ipaddr.IPv6.isValid(text)) return false
      const address = ipaddr.IPv6.parse(text)
      if (address.isIPv4MappedAddress()) return false
      return address.parts.every((part, i) => (part & (masks[i] ?? 0)) === network[i])
    },
    canonical: `${new ipaddr.IPv6([...network]).toRFC5952String()}/${bits}`,
    hostBitsSet: network.some((part, i) => part !== parts[i]),
  }
}

function clamp(bits: number): number {
  return Math.max(0, Math.min(16, bits))
}

/** The 32 bits of a dotted address; -1 where it is none. By hand: it runs for each request, and allocates nothing. */
function parseV4(text: string): number {
  let value = 0
  let start = 0
  for (let dots = 0; dots < 4; dots++) {
    let end = start
    let part = 0
    while (end < text.length && text.charCodeAt(end) !== DOT) {
      const digit = text.charCodeAt(end++) - ZERO
      if (digit < 0 || digit > 9) return -1
      part = part * 10 + digit
    }
    const hasLeadingZero = end - start > 1 && text.charCodeAt(start) === ZERO
    if (end === start || end - start > 3 || part > 255 || hasLeadingZero) return -1
    value = value * 256 + part
    start = end + 1
    if (end === text.length && dots < 3) return -1
  }
  return start === text.length + 1 ? value : -1
}

const DOT = 46
const ZERO = 48
