/**
 * Which key seals which part of a session. The browser's cookie and the cards are sealed under `session.secret`; record,
 * groups and tokens under the session's own key, which only cookies hold: a copy of the store tells nothing without
 * the secret, and with it no more than the cards.
 */

import { createHash, createHmac, randomBytes } from 'node:crypto'
import { foldAscii } from '../policy/language/fold.ts'
import { compact, expand } from './compact.ts'
import { createSealer, decodeBase64Url, deriveKey } from './seal.ts'
import type { SessionCard, SessionGroups, SessionRecord, SessionTokens } from './session.ts'
import { isReadable, versioned } from './session-version.ts'
import type { StoredSession } from './store/session-store.ts'

/** What a cookie or a hand-over code carries. */
export interface SessionSecrets {
  readonly handle: Buffer
  readonly key: Buffer
}

/** The kinds of entries by which sessions are found from outside. */
export type IndexKind = 'sub' | 'email' | 'sid'

export interface SessionSeals {
  sealCookie(secrets: SessionSecrets, host: string): string
  openCookie(cookie: string, host: string): SessionSecrets | undefined
  sealCard(card: SessionCard, id: string): Buffer
  openCard(sealed: Uint8Array, id: string): SessionCard | undefined
  /** The key of an index entry under each secret, that of the first one first. */
  indexKeys(kind: IndexKind, provider: string, value: string): readonly [string, ...string[]]
  sealHandOver(secrets: SessionSecrets, code: HandOverCode, associated: string): Buffer
  openHandOver(
    sealed: Uint8Array,
    code: HandOverCode,
    associated: string,
  ): SessionSecrets | undefined
}

export interface HandOverCode {
  /** What the browser carries. */
  readonly text: string
  readonly bytes: Buffer
  /** What the store sees: the code cannot be told from it. */
  readonly storeKey: string
}

const HANDLE_BYTES = 32
const KEY_BYTES = 32
const CODE_BYTES = 32
/** Enough to tell a session from what it was a moment ago. */
const REVISION_BYTES = 6
/** Longest host name, both secrets and the seal's own bytes come to 467 characters. */
const MAX_COOKIE_LENGTH = 512

/** @throws TypeError where there is no secret, or one of fewer than 32 bytes */
export function createSessionSeals(secrets: readonly Uint8Array[]): SessionSeals {
  const cookies = createSealer(secrets, 'session-cookie')
  const cards = createSealer(secrets, 'session-card')
  const [first, ...others] = secrets.map((secret) => deriveKey(secret, 'session-index'))
  if (first === undefined) throw new TypeError('sessions need a secret')
  // Under both the secret and the code: neither a copy of the store with the secret nor somebody who can write to the
  // store makes a session of it.
  const handOvers = (code: HandOverCode) =>
    createSealer(
      secrets.map((secret) => Buffer.concat([deriveKey(secret, 'hand-over'), code.bytes])),
      'hand-over',
    )
  return {
    sealCookie: ({ handle, key }, host) =>
      cookies.seal(Buffer.concat([handle, key, Buffer.from(host)]), host),
    openCookie: (cookie, host) => {
      if (cookie.length > MAX_COOKIE_LENGTH) return undefined
      return secretsFrom(cookies.open(cookie, host), host)
    },
    sealCard: (card, id) => cards.sealBytes(compact(versioned(card)), id),
    openCard: (sealed, id) => {
      const plain = cards.openBytes(sealed, id)
      return plain === undefined ? undefined : cardFrom(plain)
    },
    indexKeys: (kind, provider, value) => [
      indexKey(first, kind, provider, value),
      ...others.map((key) => indexKey(key, kind, provider, value)),
    ],
    sealHandOver: ({ handle, key }, code, associated) =>
      handOvers(code).sealBytes(Buffer.concat([handle, key]), associated),
    openHandOver: (sealed, code, associated) =>
      secretsFrom(handOvers(code).openBytes(sealed, associated), ''),
  }
}

/** The entries by which a session is found. */
export function indexKeysOf(seals: SessionSeals, record: SessionRecord): readonly string[] {
  const { provider, sub, email, sid } = record
  const keys = [seals.indexKeys('sub', provider, sub)[0]]
  if (email !== undefined) keys.push(seals.indexKeys('email', provider, foldAscii(email))[0])
  if (sid !== undefined) keys.push(seals.indexKeys('sid', provider, sid)[0])
  return keys
}

export function newSessionSecrets(): SessionSecrets {
  return { handle: randomBytes(HANDLE_BYTES), key: randomBytes(KEY_BYTES) }
}

/** The store's key of a session, which logs may show: the handle cannot be told from it. */
export function sessionId(handle: Uint8Array): string {
  return createHash('sha256').update(handle).digest('base64url')
}

export function newHandOverCode(): HandOverCode {
  return handOverCode(randomBytes(CODE_BYTES))
}

/** The code that `text` spells, or `undefined` where it spells none. */
export function readHandOverCode(text: string): HandOverCode | undefined {
  if (text.length !== Math.ceil((CODE_BYTES * 4) / 3)) return undefined
  const bytes = decodeBase64Url(text)
  return bytes?.length === CODE_BYTES ? handOverCode(bytes) : undefined
}

function handOverCode(bytes: Buffer): HandOverCode {
  const hash = createHash('sha256').update('hand-over').update(bytes).digest('base64url')
  return { text: bytes.toString('base64url'), bytes, storeKey: `hand-over:${hash}` }
}

/** What of a session only its own key opens. */
export interface SessionParts {
  readonly record: SessionRecord
  readonly groups: SessionGroups
}

/** A session whose parts are sealed anew is another one to all who hold it: it has a new revision. */
export function sealParts(
  key: Uint8Array,
  id: string,
  { record, groups, tokens }: SessionParts & { readonly tokens: SessionTokens },
): Pick<StoredSession, 'record' | 'groups' | 'tokens' | 'revision'> {
  const sealer = createSealer([key], 'session')
  const seal = (part: 'record' | 'groups' | 'tokens', value: unknown) =>
    sealer.sealBytes(compact(value), `${part}/${id}`)
  return {
    record: seal('record', versioned(record)),
    groups: seal('groups', groups),
    tokens: seal('tokens', tokens),
    revision: randomBytes(REVISION_BYTES).toString('base64url'),
  }
}

/** `undefined` where any part was changed, moved from another session, or written by a version unknown here. */
export function openParts(
  key: Uint8Array,
  stored: StoredSession,
): (SessionParts & { readonly tokens: SessionTokens }) | undefined {
  const sealer = createSealer([key], 'session')
  const record = sealer.openBytes(stored.record, `record/${stored.id}`)
  const groups = sealer.openBytes(stored.groups, `groups/${stored.id}`)
  const tokens = sealer.openBytes(stored.tokens, `tokens/${stored.id}`)
  if (record === undefined || groups === undefined || tokens === undefined) return undefined
  const data = expand(record) as SessionRecord
  if (!isReadable(data)) return undefined
  return {
    record: recordFrom(data),
    groups: expand(groups) as SessionGroups,
    tokens: expand(tokens) as SessionTokens,
  }
}

/** The tokens kept with a session; `undefined` where they were changed or moved. */
export function openTokens(key: Uint8Array, stored: StoredSession): SessionTokens | undefined {
  const tokens = createSealer([key], 'session').openBytes(stored.tokens, `tokens/${stored.id}`)
  if (tokens === undefined) return undefined
  const data = expand(tokens) as SessionTokens
  return {
    idToken: data.idToken,
    accessToken: data.accessToken,
    refreshToken: data.refreshToken,
    accessTokenExpiresAt: data.accessTokenExpiresAt,
  }
}

/** JSON has no `undefined`: every key is named again, so that all records have one shape. */
function recordFrom(data: SessionRecord): SessionRecord {
  return {
    provider: data.provider,
    method: data.method,
    sub: data.sub,
    email: data.email,
    name: data.name,
    claims: data.claims,
    acr: data.acr,
    amr: data.amr,
    authTime: data.authTime,
    steppedUpAt: data.steppedUpAt,
    sid: data.sid,
    signedInAt: data.signedInAt,
    expiresAt: data.expiresAt,
  }
}

function cardFrom(plain: Buffer): SessionCard | undefined {
  const data = expand(plain) as SessionCard
  if (!isReadable(data)) return undefined
  return {
    provider: data.provider,
    method: data.method,
    sub: data.sub,
    email: data.email,
    signedInAt: data.signedInAt,
    lastSeenAt: data.lastSeenAt,
    expiresAt: data.expiresAt,
    address: data.address,
    userAgent: data.userAgent,
  }
}

function secretsFrom(plain: Buffer | undefined, host: string): SessionSecrets | undefined {
  if (plain === undefined) return undefined
  if (plain.toString('utf8', HANDLE_BYTES + KEY_BYTES) !== host) return undefined
  return splitSecrets(plain.toString('latin1', 0, HANDLE_BYTES + KEY_BYTES))
}

/** As one text: small buffers would each keep a shared block of eight kilobytes alive for as long as a session. */
export function joinSecrets({ handle, key }: SessionSecrets): string {
  return handle.toString('latin1') + key.toString('latin1')
}

export function splitSecrets(joined: string): SessionSecrets {
  const bytes = Buffer.from(joined, 'latin1')
  return { handle: bytes.subarray(0, HANDLE_BYTES), key: bytes.subarray(HANDLE_BYTES) }
}

/** Lengths go in front, so that no two triples give one text. */
function indexKey(key: Buffer, kind: IndexKind, provider: string, value: string): string {
  const text = [kind, provider, value].map((part) => `${Buffer.byteLength(part)}:${part}`).join('')
  return createHmac('sha256', key).update(text).digest('base64url')
}
