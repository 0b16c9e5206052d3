/** The upstream's answer headers on their way to the client: hop-by-hop ones go, and what only we may say. */

import type { ResponseHeaderChanges } from '../policy/route.ts'
import { setsOwnCookie } from './own-cookies.ts'

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Names that carry our assertion: an app that echoes its request must not hand it to a browser. */
const OURS = /^x[-_](gatehouse|pomerium)[-_]/i

type Meaning =
  | 'pass'
  | 'drop'
  | 'connection'
  | 'set-cookie'
  | 'cache-control'
  | 'content-length'
  | 'strict-transport-security'

const MAX_SPELLINGS = 2_000
const MAX_REMEMBERED_LENGTH = 64
const meanings = new Map<string, Meaning>()

function meaningOf(name: string): Meaning {
  let meaning = meanings.get(name)
  if (meaning === undefined) {
    meaning = classify(name)
    if (meanings.size < MAX_SPELLINGS && name.length <= MAX_REMEMBERED_LENGTH) {
      // A copy: the name is a slice of a whole head, which the map would keep alive.
      meanings.set(Buffer.from(name, 'latin1').toString('latin1'), meaning)
    }
  }
  return meaning
}

function classify(name: string): Meaning {
  const lower = name.toLowerCase()
  if (lower === 'connection' || lower === 'set-cookie') return lower
  if (lower === 'cache-control' || lower === 'content-length') return lower
  if (lower === 'strict-transport-security') return lower
  return HOP_BY_HOP.has(lower) || OURS.test(name) ? 'drop' : 'pass'
}

export interface ResponseHeaders {
  /** Names and values in turn, for `writeHead`. */
  readonly headers: string[]
  /** Bytes of the body; -1 where the upstream does not say. */
  readonly length: number
}

/**
 * @param received names and values in turn, a character for each byte: bytes pass as they are. RFC 9110 §5.5
 * @param hsts Strict-Transport-Security where the upstream sends none
 * @param signedIn an answer to a signed-in person is private unless the upstream says how it may be cached
 * @param status 204 has no length, whatever the upstream says
 */
export function readResponseHeaders(
  received: readonly string[],
  signedIn: boolean,
  hsts?: string,
  status = 200,
): ResponseHeaders {
  const headers: string[] = []
  let connection: string | undefined
  let length = -1
  let isPrivate = signedIn
  let saysHsts = false
  for (let i = 0; i < received.length; i += 2) {
    const name = received[i] as string
    const value = received[i + 1] as string
    switch (meaningOf(name)) {
      case 'drop':
        continue
      case 'connection':
        connection = connection === undefined ? value : `${connection},${value}`
        continue
      case 'set-cookie':
        if (setsOwnCookie(value)) continue
        break
      case 'content-length':
        // A client that believed it would read the next answer as the body of this one. RFC 9110 §8.6
        if (status === 204) continue
        length = Number(value)
        break
      case 'cache-control':
        isPrivate = false
        break
      case 'strict-transport-security':
        saysHsts = true
        break
      case 'pass':
        break
    }
    headers.push(name, value)
  }
  if (connection !== undefined && dropNamedIn(connection, headers))
    isPrivate = signedIn && !hasCacheControl(headers)
  if (isPrivate) headers.push('Cache-Control', 'private')
  if (hsts !== undefined && !saysHsts) headers.push('Strict-Transport-Security', hsts)
  return { headers, length }
}

/** `headers` with those that the route sets in place of what the upstream said under their names. */
export function withResponseHeaders(
  headers: readonly string[],
  changes: ResponseHeaderChanges,
): string[] {
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (!changes.names.has(name.toLowerCase())) kept.push(name, headers[i + 1] as string)
  }
  return [...kept, ...changes.headers]
}

function hasCacheControl(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (meaningOf(headers[i] as string) === 'cache-control') return true
  }
  return false
}

const USUAL_CONNECTION = /^(keep-alive|close|upgrade)$/i

/** RFC 9110 §7.6.1. True where it may have dropped something. */
function dropNamedIn(connection: string, headers: string[]): boolean {
  if (USUAL_CONNECTION.test(connection)) return false
  const named = new Set(connection.split(',').map((token) => token.trim().toLowerCase()))
  named.delete('content-length')
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (named.has((headers[i] as string).toLowerCase())) headers.splice(i, 2)
  }
  return true
}
