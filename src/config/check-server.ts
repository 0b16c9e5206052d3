/** What a schema cannot say of `server`: addresses, the public origin, trusted proxies and their dangers. */

import { isIP, isIPv4, isIPv6 } from 'node:net'
import { isLoopback } from '../support/loopback.ts'
import type { Findings } from './findings.ts'
import type { Config } from './schema.ts'
import type { ServerConfig } from './schema-server.ts'

export interface ListenAddress {
  /** Without brackets. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

export interface CheckedServer {
  readonly listen: ListenAddress
  readonly adminListen: ListenAddress
  readonly redirectListen: ListenAddress | undefined
  /** `scheme://host[:port]`, lower case, without a final slash. */
  readonly publicUrl: string
}

/** Checks `server`; `undefined` where an error keeps a part of it from being read. */
export function checkServer(server: ServerConfig, findings: Findings): CheckedServer | undefined {
  const listen = readListen(server.listen, 'listen', findings)
  const adminListen = readListen(server.admin_listen, 'admin_listen', findings)
  const redirectListen =
    server.redirect_listen === undefined
      ? undefined
      : readListen(server.redirect_listen, 'redirect_listen', findings)
  const publicUrl = readPublicUrl(server, findings)
  checkProxies(['server', 'trusted_proxies'], server.trusted_proxies, server, findings)
  checkTimeouts(server, findings)
  if (server.h2c && server.tls !== undefined) {
    findings.error(
      ['server', 'h2c'],
      '`h2c` is HTTP/2 without TLS, and `server.tls` is set; drop one',
    )
  }
  if (listen === undefined || adminListen === undefined || publicUrl === undefined) return undefined
  if (server.redirect_listen !== undefined && redirectListen === undefined) return undefined
  checkApart({ listen, admin_listen: adminListen, redirect_listen: redirectListen }, findings)
  if (!isLoopback(adminListen.host) && server.admin_token === undefined) {
    findings.warn(
      ['server', 'admin_listen'],
      '`admin_listen` leaves loopback without `server.admin_token`: only health and metrics answer there',
    )
  }
  return { listen, adminListen, redirectListen, publicUrl }
}

/** Each address must be another than those before it. */
function checkApart(
  addresses: Readonly<Record<string, ListenAddress | undefined>>,
  findings: Findings,
): void {
  const seen: [key: string, address: ListenAddress][] = []
  for (const [key, address] of Object.entries(addresses)) {
    if (address === undefined) continue
    const taken = seen.find(([, other]) => isSamePort(address, other))
    if (taken !== undefined) {
      findings.error(
        ['server', key],
        `\`${key}\` and \`${taken[0]}\` take the same port; choose another`,
      )
    }
    seen.push([key, address])
  }
}

function isSamePort(one: ListenAddress, other: ListenAddress): boolean {
  return one.port !== 0 && one.port === other.port && overlap(one, other)
}

/** Node takes 0 for no limit at all, and looks for what is late once a second. */
function checkTimeouts({ limits }: ServerConfig, findings: Findings): void {
  for (const key of ['header_timeout', 'body_timeout'] as const) {
    if (limits[key] >= 1_000 && limits[key] <= 86_400_000) continue
    findings.error(['server', 'limits', key], `\`${key}\` must be between \`1s\` and \`1d\``)
  }
}

/** Reads `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`. */
export function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text)
  if (match === null) return undefined
  const [, inBrackets, plain = '', digits] = match
  const port = Number(digits)
  if (port > 65_535) return undefined
  if (inBrackets !== undefined) {
    return isIPv6(inBrackets) ? { host: inBrackets, port } : undefined
  }
  return isIPv4(plain) || plain === 'localhost' ? { host: plain, port } : undefined
}

function readListen(
  text: string,
  key: 'listen' | 'admin_listen' | 'redirect_listen',
  findings: Findings,
): ListenAddress | undefined {
  const address = parseListen(text)
  if (address === undefined) {
    findings.error(
      ['server', key],
      `\`${key}\` must be an address and port such as \`127.0.0.1:8080\`, \`0.0.0.0:8080\` or \`[::]:8080\``,
    )
  }
  return address
}

function overlap(one: ListenAddress, other: ListenAddress): boolean {
  const isAny = (host: string) => host === '0.0.0.0' || host === '::'
  return one.host === other.host || isAny(one.host) || isAny(other.host)
}

function readPublicUrl(server: ServerConfig, findings: Findings): string | undefined {
  const path = ['server', 'public_url']
  const url = readOrigin(server.public_url)
  if (url === undefined) {
    findings.error(
      path,
      '`public_url` must be an origin such as `https://auth.example.com`, without path, query or user',
    )
    return undefined
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !server.allow_http) {
    findings.error(
      path,
      '`public_url` is plain http beyond loopback, so sessions can be stolen on the way; use https, or set `server.allow_http: true`',
    )
  }
  return url.origin
}

/** An http or https URL of nothing but an origin; a lone final slash is forgiven. */
function readOrigin(text: string): URL | undefined {
  // Written out, because the URL parser also forgives backslashes, spaces and tabs.
  if (!/^https?:\/\/[A-Za-z0-9.:[\]-]+\/?$/.test(text)) return undefined
  const url = URL.parse(text)
  if (url === null || url.hostname.endsWith('.') || url.hostname.length > 253) return undefined
  return url
}

/** Who may ask for decisions is believed about the client's address too: the same dangers, the same opt-out. */
export function checkForwardAuth(
  { forward_auth: { trusted_proxies: networks }, server }: Pick<Config, 'forward_auth' | 'server'>,
  findings: Findings,
): void {
  checkProxies(['forward_auth', 'trusted_proxies'], networks, server, findings)
}

function checkProxies(
  list: readonly [string, string],
  networks: readonly string[],
  { allow_any_proxy: allowsAny }: ServerConfig,
  findings: Findings,
): void {
  for (const [index, network] of networks.entries()) {
    const path = [...list, index]
    const read = readNetwork(network)
    if (read === undefined) {
      findings.error(
        path,
        `\`${list[1]}[${index}]\` must be an address or network such as \`10.0.0.0/8\``,
      )
    } else if (read.isAnyone && !allowsAny) {
      findings.error(
        path,
        `\`${list[1]}[${index}]\` lets everybody choose the address that they are seen under; name your proxies, or set \`server.allow_any_proxy: true\``,
      )
    }
  }
}

/** Networks wider than any that belongs to one operator: 10.0.0.0/8 and fc00::/7 are the widest private ones. */
const WIDEST = { 4: 8, 6: 7 } as const

function readNetwork(text: string): { isAnyone: boolean } | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (rest.length > 0 || (family !== 4 && family !== 6)) return undefined
  // Clients are compared as IPv4 where they are, so a mapped network would never match.
  if (/^::ffff:/i.test(address)) return undefined
  const bits = family === 4 ? 32 : 128
  if (prefix !== undefined && (!/^(0|[1-9][0-9]{0,2})$/.test(prefix) || Number(prefix) > bits)) {
    return undefined
  }
  return { isAnyone: prefix !== undefined && Number(prefix) < WIDEST[family] }
}
