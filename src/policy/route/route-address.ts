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

/** Reads `to`; a text says what is wrong with it. */
export function readTo(text: string): UpstreamUrl | string {
  if (/^unix:/i.test(text)) return '`unix:` in `to` is not supported yet'
  if (/^(h2c|tcp|udp|ssh|wss?):/i.test(text)) {
    return 'the upstream speaks HTTP; `to` begins with `http://` or `https://`'
  }
  const problem = '`to` is the URL of the upstream, as in `http://grafana.internal:3000`'
  if (!/^https?:\/\/[^/]/i.test(text)) return problem
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return problem
  }
  if (url.username !== '' || url.password !== '') return '`to` holds no user name and no password'
  if (text.includes('?') || text.includes('#')) return '`to` holds no query and no fragment'
  if (url.hostname.includes(',')) return 'several upstreams in `to` are not supported yet'
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  return {
    scheme,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port),
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, ''),
  }
}
