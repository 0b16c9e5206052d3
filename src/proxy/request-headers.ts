/** The request's headers, read in one pass: what we need of them, and what of them goes upstream. */

import { randomFillSync } from 'node:crypto'
import type { Ambiguity, HeadFields } from '../routing/canonical.ts'
import type { HeaderPlan } from './header-plan.ts'
import { withoutOwnCookies } from './own-cookies.ts'

export interface RequestHeaders extends HeadFields {
  /** Names and values in turn; ours are not in it yet. */
  readonly upstream: string[]
  /** All Cookie lines as one. */
  readonly cookie: string | undefined
  /** Values of all Authorization lines, a line for each. They go upstream too. */
  readonly authorization: string | undefined
  readonly forwardedFor: readonly string[]
  readonly requestId: string | undefined
  readonly hasBody: boolean
  readonly expectsContinue: boolean
  readonly asksForUpgrade: boolean
  /** `TE: trailers`: the client takes fields behind the body. RFC 9110 §10.1.4 */
  readonly takesTrailers: boolean
  /** `Trailer`: names of what the client sends behind the body. RFC 9110 §6.6.2 */
  readonly trailer: string | undefined
  /** Sum of names and values, in characters, which are bytes here. */
  readonly size: number
}

const NONE: readonly string[] = []

export function readRequestHeaders(
  rawHeaders: readonly string[],
  plan: HeaderPlan,
): RequestHeaders {
  const upstream: string[] = []
  const fields: Found = {
    host: undefined,
    contentLength: undefined,
    transferEncoding: undefined,
    ambiguity: undefined,
  }
  let cookie: string | undefined
  let authorization: string | undefined
  let forwardedFor = NONE
  let requestId: string | undefined
  let expectsContinue = false
  let asksForUpgrade = false
  let takesTrailers = false
  let trailer: string | undefined
  let connection: string | undefined
  let size = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    const value = rawHeaders[i + 1] as string
    size += name.length + value.length
    switch (plan.use(name)) {
      case 'pass':
        upstream.push(name, value)
        break
      case 'cookie': {
        // One list, however many lines it comes in; RFC 9113 §8.2.3 joins them so.
        cookie = joined(cookie, value, '; ')
        const others = withoutOwnCookies(value)
        if (others !== undefined) upstream.push(name, others)
        break
      }
      case 'authorization':
        authorization = joined(authorization, value, '\n')
        upstream.push(name, value)
        break
      case 'connection':
        connection = joined(connection, value, ',')
        break
      case 'content-length':
        takeOnce(fields, 'contentLength', value, 'several Content-Length headers')
        upstream.push(name, value)
        break
      case 'transfer-encoding':
        takeOnce(fields, 'transferEncoding', value, 'several Transfer-Encoding headers')
        break
      case 'host':
        takeOnce(fields, 'host', value, 'several Host headers')
        break
      case 'expect':
        expectsContinue = value.toLowerCase() === '100-continue'
        break
      case 'upgrade':
        asksForUpgrade = true
        break
      case 'forwarded-for':
        forwardedFor = [...forwardedFor, value]
        break
      case 'request-id':
        requestId = value
        break
      case 'te':
        takesTrailers ||= /(^|,)[ \t]*trailers[ \t]*(,|$)/i.test(value)
        break
      case 'trailer':
        trailer = joined(trailer, value, ',')
        break
      case 'no-name':
        fields.ambiguity ??= 'a header name that is no token'
        break
      case 'drop':
        break
    }
  }
  if (connection !== undefined) dropNamedIn(connection, upstream)
  const { host, contentLength, transferEncoding, ambiguity } = fields
  return {
    upstream,
    cookie,
    authorization,
    forwardedFor,
    requestId,
    hasBody: transferEncoding !== undefined || (contentLength ?? '0') !== '0',
    expectsContinue,
    asksForUpgrade,
    takesTrailers,
    trailer,
    host,
    contentLength,
    transferEncoding,
    ambiguity,
    size,
  }
}

/** Several lines as one. */
function joined(known: string | undefined, value: string, by: string): string {
  return known === undefined ? value : known + by + value
}

type Found = { -readonly [F in keyof HeadFields]: HeadFields[F] }

function takeOnce(
  found: Found,
  field: 'host' | 'contentLength' | 'transferEncoding',
  value: string,
  ambiguity: Ambiguity,
): void {
  if (found[field] !== undefined) found.ambiguity ??= ambiguity
  found[field] = value
}

const USUAL_CONNECTION = /^(keep-alive|close|upgrade)$/i

/**
 * A proxy drops the fields named in Connection before it adds its own; ours come later, so nobody can have an identity
 * header removed by naming it. RFC 9110 §7.6.1
 */
function dropNamedIn(connection: string, upstream: string[]): void {
  if (USUAL_CONNECTION.test(connection)) return
  const named = new Set(connection.split(',').map((token) => token.trim().toLowerCase()))
  // Content-Length frames the message; a client cannot have it removed while the body stays.
  named.delete('content-length')
  for (let i = upstream.length - 2; i >= 0; i -= 2) {
    if (named.has((upstream[i] as string).toLowerCase())) upstream.splice(i, 2)
  }
}

const SAFE_REQUEST_ID = /^[A-Za-z0-9._:@/+=-]{1,128}$/

/** The id that a trusted proxy gave, where it is fit for logs and headers; else a new one. */
export function requestIdOf(given: string | undefined, fromTrustedPeer: boolean): string {
  if (fromTrustedPeer && given !== undefined && SAFE_REQUEST_ID.test(given)) return given
  return newRequestId()
}

const ID_BYTES = 16
/** Random bytes are cheap only where many are made at once. */
const randomBytes = Buffer.alloc(ID_BYTES * 256)
let bytesUsed = randomBytes.length

function newRequestId(): string {
  if (bytesUsed === randomBytes.length) {
    randomFillSync(randomBytes)
    bytesUsed = 0
  }
  bytesUsed += ID_BYTES
  return randomBytes.toString('hex', bytesUsed - ID_BYTES, bytesUsed)
}
