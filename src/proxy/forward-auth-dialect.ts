/** How the proxies that ask for decisions say what they ask about: one dialect for each kind of proxy. */

import type { IncomingMessage } from 'node:http'
import { GatehouseError } from '../errors.ts'
import type { AskedRequest } from './canonicalize.ts'

export type Dialect = 'nginx' | 'traefik' | 'caddy' | 'envoy'

const PREFIX = '/.gatehouse/auth/'
const ENVOY = `${PREFIX}envoy`
const DIALECTS: ReadonlyMap<string, Dialect> = new Map([
  [`${PREFIX}nginx`, 'nginx'],
  [`${PREFIX}traefik`, 'traefik'],
  [`${PREFIX}caddy`, 'caddy'],
  [ENVOY, 'envoy'],
])

/** True for the paths below which proxies ask, whatever host they name. */
export function isForwardAuthPath(path: string): boolean {
  return path.startsWith(PREFIX)
}

/** The dialect that is spoken at a path (decoded); `undefined` where none is. */
export function dialectAt(path: string): Dialect | undefined {
  return DIALECTS.get(path) ?? (path.startsWith(`${ENVOY}/`) ? 'envoy' : undefined)
}

/**
 * The request that is asked about, as the proxy tells of it; nothing of it has been checked. MALFORMED_REQUEST where a
 * part of it is missing, or there twice.
 * @param path of the question, percent-encoded, and its query
 */
export function askedRequest(
  dialect: Dialect,
  request: IncomingMessage,
  path: { readonly encoded: string; readonly query: string },
): AskedRequest | GatehouseError {
  try {
    return readQuestion(dialect, request, path)
  } catch (error) {
    if (error instanceof GatehouseError) return error
    throw error
  }
}

function readQuestion(
  dialect: Dialect,
  request: IncomingMessage,
  path: { readonly encoded: string; readonly query: string },
): AskedRequest {
  const header = (name: string) => onlyHeader(request.rawHeaders, name)
  switch (dialect) {
    case 'nginx': {
      const url = header('x-original-url')
      const origin = /^https?:\/\/([^/?#\\]+)/i.exec(url)
      if (origin === null) throw malformed('`X-Original-URL` is no absolute http URL')
      const [whole, host = ''] = origin
      // Without its origin: a target of nothing but a query means the root. RFC 9112 §3.2.1
      const rest = url.slice(whole.length)
      const target = rest === '' || rest.startsWith('?') ? `/${rest}` : rest
      return { method: header('x-original-method'), host, target }
    }
    case 'traefik':
    case 'caddy': {
      if (!/^(https?|wss?)$/i.test(header('x-forwarded-proto')))
        throw malformed('`X-Forwarded-Proto` is neither `http` nor `https`')
      return {
        method: header('x-forwarded-method'),
        host: header('x-forwarded-host'),
        target: header('x-forwarded-uri'),
      }
    }
    case 'envoy': {
      const target = path.encoded.slice(ENVOY.length)
      return {
        method: request.method ?? '',
        host: header('host'),
        target: `${target === '' ? '/' : target}${path.query}`,
      }
    }
  }
}

/** Of two values nobody can say which one the proxy wrote, and which one the client. */
function onlyHeader(rawHeaders: readonly string[], name: string): string {
  let found: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== name) continue
    if (found !== undefined) throw malformed(`several \`${name}\` headers`)
    found = rawHeaders[i + 1]
  }
  if (found === undefined || found === '') throw malformed(`no \`${name}\` header`)
  return found
}

function malformed(detail: string): GatehouseError {
  return new GatehouseError('MALFORMED_REQUEST', `the question of the proxy: ${detail}`, {
    text: `The proxy in front does not say what it asks about: ${detail}.`,
  })
}
