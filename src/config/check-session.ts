/** What a schema cannot say of `session`: the secrets' bytes, the store's URL, and lifetimes that make sense. */

import { randomBytes } from 'node:crypto'
import type { Secret } from '../support/secret.ts'
import type { EpochMs } from '../support/time.ts'
import type { CheckContext } from './check-config.ts'
import type { Findings } from './findings.ts'
import type { SessionConfig } from './schema.ts'
import { BadStoreUrl, readStoreUrl, type StoreLocation } from './store-url.ts'

export interface CheckedSession {
  readonly store: StoreLocation
  /** 32 bytes or more each; the first seals, all open. */
  readonly secrets: readonly Uint8Array[]
  /** True where none was given and one was made: it must then outlive a reload. */
  readonly secretIsMade: boolean
}

const MIN_SECRET_BYTES = 32

/**
 * Checks `session`; `undefined` where an error keeps a part of it from being read.
 * @param madeSecrets the secret that an earlier load made, so that a reload signs nobody out
 */
export function checkSession(
  session: SessionConfig,
  { folder, madeSecrets, now }: Pick<CheckContext, 'folder' | 'madeSecrets' | 'now'>,
  findings: Findings,
): CheckedSession | undefined {
  checkLifetimes(session, findings)
  checkNotBefore(session.not_before, now(), findings)
  const store = readStore(session.store, folder, findings)
  const secrets = (session.secret ?? []).map((secret, index) =>
    readSecret(secret, index, session, findings),
  )
  const read = secrets.filter((secret) => secret !== undefined)
  if (store === undefined || read.length < secrets.length) return undefined
  if (store.kind === 'memory') {
    findings.warn(
      ['session', 'store'],
      'with `store: memory:` everybody signs in again after a restart; `sqlite:///ABSOLUTE` keeps sessions',
    )
  }
  if (read.length > 0) return { store, secrets: read, secretIsMade: false }
  if (store.kind !== 'memory') {
    findings.error(
      ['session', 'secret'],
      'missing key `secret`: 32 bytes or more, base64 or hex; `gatehouse keygen` makes one',
    )
    return undefined
  }
  findings.warn(
    ['session', 'secret'],
    'without `session.secret` one is made at each start; `gatehouse keygen` makes one to keep',
  )
  return { store, secrets: madeSecrets ?? [randomBytes(MIN_SECRET_BYTES)], secretIsMade: true }
}

function checkLifetimes(session: SessionConfig, findings: Findings): void {
  for (const key of ['lifetime', 'idle'] as const) {
    if (session[key] === 0) findings.error(['session', key], `\`${key}\` must be longer than 0s`)
  }
  if (session.idle > session.lifetime) {
    findings.warn(
      ['session', 'idle'],
      '`idle` is longer than `lifetime` and so never ends a session',
    )
  }
}

function checkNotBefore(notBefore: EpochMs | undefined, time: EpochMs, findings: Findings): void {
  if (notBefore === undefined || notBefore <= time) return
  findings.error(
    ['session', 'not_before'],
    '`not_before` is in the future: until then nobody could sign in',
  )
}

function readSecret(
  secret: Secret,
  index: number,
  session: SessionConfig,
  findings: Findings,
): Uint8Array | undefined {
  const bytes = decodeSecret(secret.reveal())
  if (bytes !== undefined && bytes.length >= MIN_SECRET_BYTES) return bytes
  // One secret may stand by itself or as a list of one; the place of the key is right for both.
  const isAlone = (session.secret ?? []).length === 1
  const path = isAlone ? ['session', 'secret'] : ['session', 'secret', index]
  const what = bytes === undefined ? 'is neither base64 nor hex' : `is only ${bytes.length} bytes`
  findings.error(
    path,
    `\`session.secret\` ${what}; it must be ${MIN_SECRET_BYTES} random bytes or more; \`gatehouse keygen\` makes one`,
  )
  return undefined
}

/** The bytes that `text` means: hex where it has only hex digits, else base64 in either alphabet. */
export function decodeSecret(text: string): Uint8Array | undefined {
  const trimmed = text.trim()
  if (/^([0-9a-fA-F]{2})+$/.test(trimmed)) return Buffer.from(trimmed, 'hex')
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(trimmed)) return undefined
  const bytes = Buffer.from(trimmed, 'base64')
  // Node's decoder skips what it does not know; only a text that it gives back unchanged is base64.
  const plain = trimmed.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')
  return bytes.toString('base64').replace(/=+$/, '') === plain ? bytes : undefined
}

function readStore(text: string, folder: string, findings: Findings): StoreLocation | undefined {
  try {
    return readStoreUrl(text, folder)
  } catch (cause) {
    if (!(cause instanceof BadStoreUrl)) throw cause
    findings.error(['session', 'store'], `\`store\` ${cause.message}`)
    return undefined
  }
}
