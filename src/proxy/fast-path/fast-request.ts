/** A simple request in the form in which the stages read one from Node's server. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { RequestHead } from './request-head.ts'

/** It has no body, so nothing of it is still to come. */
export class FastRequest {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly rawTrailers: readonly string[] = NONE
  readonly socket: Socket
  readonly httpVersion = '1.1'
  readonly httpVersionMajor = 1
  readonly complete = true
  #headers: IncomingHttpHeaders | undefined

  constructor(head: RequestHead, socket: Socket) {
    this.method = head.method
    this.url = head.target
    this.rawHeaders = head.rawHeaders
    this.socket = socket
  }

  /** Few requests are asked for it. */
  get headers(): IncomingHttpHeaders {
    this.#headers ??= byName(this.rawHeaders)
    return this.#headers
  }
}

/** Lines of one name make a list, but where only one makes sense, as Node has it. RFC 9110 §5.3 */
function byName(rawHeaders: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string> = Object.create(null)
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    const value = rawHeaders[i + 1] as string
    const before = headers[name]
    if (before === undefined) headers[name] = value
    else if (!FIRST_COUNTS.has(name))
      headers[name] = `${before}${name === 'cookie' ? '; ' : ', '}${value}`
  }
  return headers
}

const FIRST_COUNTS: ReadonlySet<string> = new Set([
  'authorization',
  'content-type',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'user-agent',
])
const NONE: readonly string[] = []
