/**
 * A request whose headers become an object when somebody asks for that. Node asks each request as soon as it is there, for three
 * names, and to make the whole object for them costs as much as to judge the request.
 */

import { IncomingMessage } from 'node:http'

/** What Node wants to know before it hands a request over: whether it has a body, and what it expects. */
const ASKED_FOR: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'expect'])
const NONE: Readonly<Record<string, string>> = Object.freeze({})

export class LazyRequest extends IncomingMessage {
  /** To be set by whoever takes it from Node. An upgrade is asked about more, and always has all of them. */
  isHandedOver = false
  /** What Node was told, which asks twice. */
  framing: Readonly<Record<string, string>> | undefined = undefined
  /** Set by Node on what asks for an upgrade; its types do not know it. */
  declare readonly upgrade?: boolean
}

const whole = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, 'headers')

// Not an accessor of the class: to TypeScript `headers` is a field.
if (whole?.get !== undefined && whole.set !== undefined) {
  const { get, set } = whole
  Object.defineProperty(LazyRequest.prototype, 'headers', {
    get(this: LazyRequest) {
      if (this.isHandedOver || this.upgrade) return get.call(this)
      this.framing ??= framingOf(this.rawHeaders)
      return this.framing
    },
    set,
  })
}

function framingOf(rawHeaders: readonly string[]): Readonly<Record<string, string>> {
  let found: Record<string, string> | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    // Most names are told apart by this.
    if (name.length !== 6 && name.length !== 14 && name.length !== 17) continue
    const lower = name.toLowerCase()
    if (!ASKED_FOR.has(lower)) continue
    found ??= {}
    found[lower] ??= rawHeaders[i + 1] as string
  }
  return found ?? NONE
}
