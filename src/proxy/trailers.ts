/** Fields behind a body: gRPC keeps its status there. RFC 9110 §6.5 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { plainName } from '../support/header-name.ts'
import type { HeaderPlan } from './header-plan.ts'

/** Fields that frame or route a message, or that are to be read before its body: behind it they are not believed. */
const REFUSED: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'host',
  'keep-alive',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Names that carry our assertion: an app that echoes its request must not hand it to a browser. */
const OURS = /^x[-_](gatehouse|pomerium)[-_]/i

/**
 * Passes the upstream's trailers on; a client of HTTP/1.1 gets them behind a chunked body only.
 * @param trailers names and values in turn
 */
export function passTrailers(response: ServerResponse, trailers: readonly string[]): void {
  const passed: [string, string][] = []
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    const name = trailers[i] as string
    if (REFUSED.has(name.toLowerCase()) || OURS.test(name)) continue
    passed.push([name, trailers[i + 1] as string])
  }
  if (passed.length > 0) response.addTrailers(passed)
}

/** What a client sends behind its body, as far as it passes. */
export interface RequestTrailers {
  /** For `Trailer`. RFC 9110 §6.6.2 */
  readonly names: readonly string[]
  /** Names and values in turn; to be asked when the body has ended. */
  read(): readonly string[]
}

/**
 * What a client has announced passes where it would pass in front of the body: an app may read both alike. `undefined` where
 * nothing of it does.
 * @param announced the values of `Trailer`
 * @param dropped names that the route takes away or sets, as `plainName` has them
 */
export function requestTrailers(
  request: IncomingMessage,
  announced: string | undefined,
  plan: HeaderPlan,
  dropped: ReadonlySet<string> | undefined,
): RequestTrailers | undefined {
  if (announced === undefined) return undefined
  const names = announced
    .split(',')
    .map((name) => name.trim())
    .filter(
      (name) =>
        plan.use(name) === 'pass' &&
        !REFUSED.has(name.toLowerCase()) &&
        !dropped?.has(plainName(name)),
    )
  if (names.length === 0) return undefined
  const passed = new Set(names.map((name) => name.toLowerCase()))
  const read = (): string[] => {
    const { rawTrailers } = request
    const fields: string[] = []
    for (let i = 0; i + 1 < rawTrailers.length; i += 2) {
      const name = rawTrailers[i] as string
      if (passed.has(name.toLowerCase())) fields.push(name, rawTrailers[i + 1] as string)
    }
    return fields
  }
  return { names, read }
}
