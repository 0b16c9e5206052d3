/** Host names, written in many ways and compared in one: for Host headers and for `from` of routes alike. */

import ipaddr from 'ipaddr.js'

export interface HostAndPort {
  /** Lower case, without a final dot; an IPv6 address in brackets and in its shortest form. */
  readonly name: string
  readonly port: number | undefined
}

const MAX_NAME = 253

/** What nearly every Host header is: nothing to change, no port. */
const CANONICAL_NAME = /^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*$/
const NAME_AND_PORT = /^([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*)\.?(?=$|:)/i

/**
 * Reads `name`, `name:port`, `[IPv6]` or `[IPv6]:port`. `undefined` for anything else: userinfo, spaces, slashes,
 * percent signs, underscores, empty labels, bytes that are not ASCII.
 */
export function readAuthority(text: string): HostAndPort | undefined {
  if (text.length <= MAX_NAME && CANONICAL_NAME.test(text)) return { name: text, port: undefined }
  if (text.charCodeAt(0) === 91) return readAddress(text)
  const match = NAME_AND_PORT.exec(text)
  const name = match?.[1]
  if (match === null || name === undefined || name.length > MAX_NAME) return undefined
  return withPort(name.toLowerCase(), text, match[0].length)
}

/** No zone, and no leading zeros in a dotted end, which some read as octal. */
const ADDRESS = /^[0-9a-f:]*:(?:(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}|[0-9a-f]*)$/i

/** The address is written in its shortest form (RFC 5952): `[::1]` and `[0:0::0001]` are one host. */
function readAddress(text: string): HostAndPort | undefined {
  const close = text.indexOf(']')
  const address = text.slice(1, close)
  if (close === -1 || !ADDRESS.test(address) || !ipaddr.IPv6.isValid(address)) return undefined
  return withPort(`[${ipaddr.IPv6.parse(address).toRFC5952String()}]`, text, close + 1)
}

/** `name` with the port that stands in `text` from `at`: a colon and up to five digits, or nothing. */
function withPort(name: string, text: string, at: number): HostAndPort | undefined {
  if (at === text.length) return { name, port: undefined }
  const digits = text.slice(at + 1)
  if (text.charCodeAt(at) !== 58 || !/^[0-9]{0,5}$/.test(digits)) return undefined
  if (digits === '') return { name, port: undefined }
  const port = Number(digits)
  return port > 0 && port <= 65_535 ? { name, port } : undefined
}
