/** Our cookies in a Cookie header: found for us, taken out for the upstream; all others pass byte for byte. */

import { sessionCookieName, signInCookieName } from '../identity/cookie-names.ts'

const SESSIONS: readonly string[] = [sessionCookieName(false), sessionCookieName(true)]
const SIGN_INS: readonly string[] = [signInCookieName(false), signInCookieName(true)]

/** Part of every name of ours. */
const MARK = 'gatehouse'

/** True for every name under which Gatehouse keeps a cookie, sign-in cookies of single tabs included. */
export function isOwnCookie(name: string): boolean {
  return SESSIONS.includes(name) || SIGN_INS.some((signIn) => name.startsWith(signIn))
}

/** The value of the first cookie called `name`, or `undefined`. RFC 6265 §5.4 puts the most specific one first. */
export function cookieValue(header: string, name: string): string | undefined {
  let start = 0
  while (start < header.length) {
    let end = header.indexOf(';', start)
    if (end === -1) end = header.length
    while (header.charCodeAt(start) === 32) start++
    if (header.startsWith(name, start) && header.charCodeAt(start + name.length) === 61) {
      return header.slice(start + name.length + 1, end).trimEnd()
    }
    start = end + 1
  }
  return undefined
}

/** The header without our cookies; `undefined` where nothing is left. */
export function withoutOwnCookies(header: string): string | undefined {
  let kept = header
  // Nearly always there is one: what stands before and behind it is then put together once.
  for (let at = kept.indexOf(MARK); at !== -1; ) {
    const start = kept.lastIndexOf(';', at) + 1
    const end = pairEnd(kept, at)
    if (isOwnCookie(nameOf(kept.slice(start, end)))) {
      kept = start === 0 ? kept.slice(end + 1) : kept.slice(0, start - 1) + kept.slice(end)
      at = kept.indexOf(MARK, Math.max(0, start - 1))
    } else {
      at = kept.indexOf(MARK, end)
    }
  }
  if (kept === header) return header
  const plain = kept.startsWith(' ') ? kept.slice(1) : kept
  return plain === '' ? undefined : plain
}

function pairEnd(header: string, from: number): number {
  const end = header.indexOf(';', from)
  return end === -1 ? header.length : end
}

/** True for a Set-Cookie line by which an upstream would set one of ours. */
export function setsOwnCookie(line: string): boolean {
  if (!line.includes(MARK)) return false
  // A cookie without a name is sent back as its value alone: `=gatehouse=x` comes back as `gatehouse=x`.
  const end = line.indexOf(';')
  const pair = end === -1 ? line : line.slice(0, end)
  return isOwnCookie(nameOf(pair.replace(/^[\s=]+/, '')))
}

function nameOf(pair: string): string {
  const end = pair.indexOf('=')
  return (end === -1 ? pair : pair.slice(0, end)).trim()
}
