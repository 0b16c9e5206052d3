/** The addresses of a route: `from`, the site as browsers know it, and `to`, the upstream behind it. */

import { isIPv4 } from 'node:net'
import { readAuthority } from '../../routing/host-name.ts'
import type { HostMatch } from '../../routing/route-table.ts'
import type { UpstreamUrl } from '../route.ts'

export interface PublicAddress {
  readonly host: HostMatch
  readonly secure: boolean
  /** `scheme://host[:port]`, without a port that is the scheme's own; a wildcard keeps its `*`. */
  readonly origin: string
  /** Host alone, as routes without a name are called. */
  readonly hostText: string
  readonly loopback: boolean
}

const FROM = /^(https?):\/\/([^/?#]*)\/?$/i

/** Reads `from`; a text says what is wrong with it. */
export function readFrom(text: string): PublicAddress | string {
  if (/^(tcp|udp|ssh)(\+https?)?:/i.test(text)) {
    return 'Gatehouse forwards HTTP only; `from` begins with `https://`'
  }
  const match = FROM.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) {
    return /^https?:\/\/[^/?#]+[/?#]/i.test(text)
      ? '`from` is a scheme and a host; write the path in `prefix`, `path` or `regex`'
      : '`from` is a scheme and a host, as in `https://app.example.com`'
  }
  const secure = match[1].toLowerCase() === 'https'
  const wildcard = match[2].startsWith('*.')
  const written = wildcard ? match[2].slice(2) : match[2]
  if (written.includes('*')) {
    return 'a wildcard stands alone in front, for one label: `https://*.example.com`'
  }
  const authority = readAuthority(toAscii(written))
  if (authority === undefined) return `\`${match[2]}\` is no host`
  const { name, port } = authority
  if (wildcard && (isIPv4(name) || name.startsWith('['))) return 'an address has no wildcard'
  const hostText = wildcard ? `*.${name}` : name
  const ownPort = port === undefined || port === (secure ? 443 : 80)
  return {
    host: wildcard ? { kind: 'wildcard', suffix: name } : { kind: 'exact', name },
    secure,
    origin: `${secure ? 'https' : 'http'}://${hostText}${ownPort ? '' : `:${port}`}`,
    hostText,
    loopback: isLoopback(name),
  }
}

/** Names in other scripts are asked for by their ASCII form (IDNA). */
function toAscii(written: string): string {
  if (!/[^\0-\x7f]/.test(written)) return written
  const host = /^(.*?)(:\d+)?$/.exec(written)
  try {
    return `${new URL(`http://${host?.[1] ?? ''}`).hostname}${host?.[2] ?? ''}`
  } catch {
    return written
  }
}

/** Whether only this machine can be meant: RFC 6761 §6.3 for names. */
function isLoopback(name: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost') || name === '[::1]') return true
  return isIPv4(name) && name.startsWith('127.')
}

const NOT_A_URL = '`to` is the URL of the upstream, as in `http://grafana.internal:3000`'

/** Reads one URL of `to`; a text says what is wrong with it. */
export function readTo(text: string): UpstreamUrl | string {
  if (/^unix:/i.test(text)) return readSocket(text)
  if (/^(tcp|udp|ssh|wss?):/i.test(text)) {
    return 'the upstream speaks HTTP; `to` begins with `http://`, `https://`, `h2c://` or `unix:///`'
  }
  if (!/^(https?|h2c):\/\/[^/]/i.test(text)) return NOT_A_URL
  const h2c = /^h2c:/i.test(text)
  const url = URL.parse(h2c ? `http${text.slice(3)}` : text)
  if (url === null) return NOT_A_URL
  if (url.username !== '' || url.password !== '') return '`to` holds no user name and no password'
  if (text.includes('?') || text.includes('#')) return '`to` holds no query and no fragment'
  if (url.hostname.includes(',')) return 'several upstreams in `to` are a list: `to: [URL, URL]`'
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  return {
    scheme,
    h2c,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port),
    origin: url.origin,
    socketPath: undefined,
    basePath: url.pathname.replace(/\/+$/, ''),
  }
}

/** The longest path that a unix socket can have: `sun_path` of unix(7) with its final zero. */
const MAX_SOCKET_PATH = 107

/** `unix:///run/app.sock`: plain HTTP, for the host `localhost`. */
function readSocket(text: string): UpstreamUrl | string {
  const path = /^unix:\/\/(\/[^?#%]+)$/i.exec(text)?.[1]
  if (path === undefined || path.endsWith('/')) {
    return 'a unix socket is written with its absolute path, as in `unix:///run/app.sock`'
  }
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    return `the path of a unix socket has at most ${MAX_SOCKET_PATH} bytes`
  }
  const origin = 'http://localhost'
  return {
    scheme: 'http',
    h2c: false,
    hostname: 'localhost',
    port: 80,
    origin,
    socketPath: path,
    basePath: '',
  }
}
