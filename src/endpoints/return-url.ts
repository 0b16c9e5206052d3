/** The one judge of addresses that a browser is to be sent back to. Everything that carries one comes by here. */

/** True for an origin that this gateway serves. */
export type IsServed = (origin: string) => boolean

/** Far beyond any address that people come back to; longer ones would not fit into `state` either. */
const MAX_LENGTH = 8 * 1024

/**
 * What browsers, or servers on the way, read as something else than it looks like: backslashes as slashes, white
 * space and controls as nothing at all.
 */
const UNSAFE_CHARACTER = /[\s\p{C}\p{Z}\\]/u

/** `http://HOST`, without userinfo: after `@` the host would be another than the one before it. */
const WEB_ADDRESS = /^https?:\/\/[^/?#@]+(?:[/?#]|$)/i

/** A second slash at the start in any spelling, or something that others strip before they look for one. */
const UNSAFE_START = /^\/(?:[/\\]|%(?:2f|5c|20))/i
const ENCODED_CONTROL = /%(?:[01][0-9a-f]|7f)/i

/** Resolves relative references; nothing that leads there is let through. */
const NOWHERE = 'http://gatehouse.invalid'

/**
 * `text` where it is an address on a host that is served, or a path on this one; else `fallback`.
 * The answer is written anew from what was judged: a path with one leading slash, or an absolute URL.
 */
export function returnUrl(text: string | undefined, isServed: IsServed, fallback = '/'): string {
  if (text === undefined || text.length > MAX_LENGTH || UNSAFE_CHARACTER.test(text)) return fallback
  const isPath = text.startsWith('/')
  if (!isPath && !WEB_ADDRESS.test(text)) return fallback
  const url = URL.parse(text, NOWHERE)
  if (url === null || url.username !== '' || url.password !== '') return fallback
  if (UNSAFE_START.test(url.pathname) || ENCODED_CONTROL.test(url.pathname)) return fallback
  if (!isPath) return isServed(url.origin) ? url.href : fallback
  if (url.origin !== NOWHERE) return fallback
  return url.pathname + url.search + url.hash
}
