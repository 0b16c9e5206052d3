/**
 * The sign-in cookie: a secret by which a browser is known again at the end of the sign-ins that it began. One for
 * all tabs, so it does not grow with them. Tabs that begin before the first answer has come each get a secret of
 * their own, of which the last stays; so a sign-in that begins without the cookie gets its secret twice, the second
 * time under a name of its own.
 */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { signInCookieName } from '../identity/cookie-names.ts'
import type { EpochMs } from '../support/time.ts'
import type { CookieChange } from './reaction.ts'
import { readTimes, writeTimes } from './times.ts'
import type { Visit } from './visit.ts'

/** How long a sign-in may take. */
export const SIGN_IN_MS = 60 * 60_000
const TAB_MS = 15 * 60_000
/** About 150 bytes each: with all of them a Cookie header stays well below 8 KB. */
const MAX_TABS = 30
/** So that a Cookie header full of names of ours is not answered by hundreds of headers. */
const MAX_CLEARED = 60
const SECRET_BYTES = 32
const TAG = /^[A-Za-z0-9_-]{10}$/

interface Mark {
  readonly secret: Buffer
  readonly madeAt: EpochMs
  /** When this browser was last sent to a fresh sign-in because one did not hold. */
  readonly restarts: readonly EpochMs[]
}

/** What a sign-in begins with. */
export interface Beginning {
  readonly id: string
  readonly proofs: Proofs
  readonly cookies: readonly CookieChange[]
}

/** Made from the browser's secret and the sign-in's id, so that nothing of it needs to be kept. */
export interface Proofs {
  readonly nonce: string
  readonly codeVerifier: string
  /** Stands in `state`; only the browser that began has the secret from which it can be made again. */
  readonly binding: string
}

/** Begins a sign-in in this browser. */
export function beginInBrowser(visit: Visit, restarts: readonly EpochMs[]): Beginning {
  const id = randomBytes(16).toString('base64url')
  const base = readMark(visit, undefined)
  const madeAt = visit.now()
  const secret = base?.secret ?? randomBytes(SECRET_BYTES)
  const mark = { secret, madeAt, restarts }
  const cookies = [markCookie(visit, undefined, mark, SIGN_IN_MS)]
  if (base === undefined) {
    cookies.push(...surplusTabs(visit), markCookie(visit, tagOf(id), mark, TAB_MS))
  }
  return { id, proofs: proofsOf(secret, id), cookies }
}

/** The proofs of the sign-in `id` if this browser began it: if it holds the secret that `binding` was made from. */
export function proofsInBrowser(visit: Visit, id: string, binding: string): Proofs | undefined {
  for (const tag of [undefined, tagOf(id)]) {
    const mark = readMark(visit, tag)
    if (mark === undefined) continue
    const proofs = proofsOf(mark.secret, id)
    if (isSame(proofs.binding, binding)) return proofs
  }
  return undefined
}

/** Keeps count of fresh sign-ins in this browser, where none is begun yet. */
export function countInBrowser(visit: Visit, restarts: readonly EpochMs[]): CookieChange {
  const secret = readMark(visit, undefined)?.secret ?? randomBytes(SECRET_BYTES)
  return markCookie(visit, undefined, { secret, madeAt: visit.now(), restarts }, SIGN_IN_MS)
}

/** When this browser was sent to fresh sign-ins, as its cookie says. */
export function restartsInBrowser(visit: Visit): readonly EpochMs[] {
  return readMark(visit, undefined)?.restarts ?? []
}

/** Forgets what only the sign-in `id` needed. */
export function endInBrowser(visit: Visit, id: string): readonly CookieChange[] {
  const tag = tagOf(id)
  return visit.cookies[nameOf(visit, tag)] === undefined ? [] : [cleared(visit, tag)]
}

function proofsOf(secret: Buffer, id: string): Proofs {
  const derive = (purpose: string) =>
    createHmac('sha256', secret).update(`${purpose}\0${id}`).digest('base64url')
  return {
    nonce: derive('nonce'),
    // 43 characters, the least that RFC 7636 §4.1 allows, and all of 256 bits.
    codeVerifier: derive('code verifier'),
    binding: derive('binding'),
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function tagOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, 10)
}

function nameOf(visit: Visit, tag: string | undefined): string {
  const name = signInCookieName(visit.secure)
  return tag === undefined ? name : `${name}-${tag}`
}

/** A cookie of one host, or of one tab, does not open as another's. */
function associated(visit: Visit, tag: string | undefined): string {
  return `${visit.host.name}\n${tag ?? ''}`
}

function readMark(visit: Visit, tag: string | undefined): Mark | undefined {
  const text = visit.cookies[nameOf(visit, tag)]
  if (text === undefined) return undefined
  const plain = visit.seals.cookie.open(text, associated(visit, tag))
  if (plain === undefined || plain.length < SECRET_BYTES) return undefined
  const [madeAt, ...restarts] = readTimes(plain.subarray(SECRET_BYTES))
  if (madeAt === undefined || madeAt + SIGN_IN_MS <= visit.now()) return undefined
  return { secret: plain.subarray(0, SECRET_BYTES), madeAt, restarts }
}

function markCookie(
  visit: Visit,
  tag: string | undefined,
  { secret, madeAt, restarts }: Mark,
  lifetimeMs: number,
): CookieChange {
  const times = tag === undefined ? [madeAt, ...restarts] : [madeAt]
  const plain = Buffer.concat([secret, writeTimes(times)])
  return {
    name: nameOf(visit, tag),
    value: visit.seals.cookie.seal(plain, associated(visit, tag)),
    maxAgeSeconds: lifetimeMs / 1_000,
  }
}

function cleared(visit: Visit, tag: string): CookieChange {
  return { name: nameOf(visit, tag), value: undefined, maxAgeSeconds: 0 }
}

/** Tabs whose cookies must go to make room for one more: broken ones first, then the oldest. */
function surplusTabs(visit: Visit): readonly CookieChange[] {
  const start = `${signInCookieName(visit.secure)}-`
  const tags = Object.keys(visit.cookies)
    .filter((name) => name.startsWith(start))
    .map((name) => name.slice(start.length))
    .filter((tag) => TAG.test(tag))
  if (tags.length < MAX_TABS) return []
  return tags
    .map((tag) => ({ tag, madeAt: readMark(visit, tag)?.madeAt ?? 0 }))
    .sort((a, b) => a.madeAt - b.madeAt)
    .slice(0, Math.min(tags.length - MAX_TABS + 1, MAX_CLEARED))
    .map(({ tag }) => cleared(visit, tag))
}
