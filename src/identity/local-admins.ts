/**
 * Break-glass: administrators of the config who sign in with a password while no provider can. Whether a name exists is
 * told neither by the answer nor by the time that it takes.
 */

import type { LocalAdmin } from '../config/snapshot.ts'
import type { Clock, EpochMs } from '../support/time.ts'
import { createPasswordChecks, MAX_PASSWORD_BYTES, unmatchable } from './passwords.ts'
import type { SignedIn } from './provider/provider.ts'
import { addressKey, nameKey, type RateLimits } from './rate-limits.ts'

/** The provider's name in sessions, logs and policies. */
export const LOCAL_PROVIDER = 'local'

export interface LocalAttempt {
  readonly name: string
  readonly password: string
  readonly address: string
}

export type LocalOutcome =
  | { readonly kind: 'ok'; readonly person: SignedIn }
  /** `why` is for the log; `known` is the name where it is one, for what else was typed may be a password. */
  | { readonly kind: 'wrong'; readonly why: string; readonly known: string | undefined }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }

export interface LocalAdmins {
  attempt(attempt: LocalAttempt): Promise<LocalOutcome>
  /** Whether anybody may sign in from `address`. */
  mayCome(address: string): boolean
}

export interface LocalAdminsOptions {
  readonly admins: () => readonly LocalAdmin[]
  readonly rateLimits: Pick<RateLimits, 'count'>
  readonly now: Clock
}

export function createLocalAdmins({ admins, rateLimits, now }: LocalAdminsOptions): LocalAdmins {
  const checks = createPasswordChecks()
  const mayCome = (address: string) => admins().some((admin) => admin.mayCome(address))

  /** Addresses from which nobody may come cannot lock anybody out by guessing. */
  const throttled = async (name: string, address: string): Promise<number | undefined> => {
    const byAddress = await rateLimits.count('local_sign_in', addressKey(address))
    if (byAddress !== undefined || !mayCome(address)) return byAddress
    return rateLimits.count('local_sign_in', nameKey(name))
  }

  return {
    mayCome,
    attempt: async ({ name: written, password, address }) => {
      const name = canonicalName(written)
      const retryAfterSeconds = await throttled(name, address)
      if (retryAfterSeconds !== undefined) return { kind: 'throttled', retryAfterSeconds }
      const admin = admins().find((one) => canonicalName(one.name) === name)
      const why = refusal(admin, address, now())
      const isTooLong = Buffer.byteLength(password) > MAX_PASSWORD_BYTES
      const hash = why === undefined && admin !== undefined ? admin.hash : undefined
      const holds = await checks.check(
        isTooLong ? '' : password,
        hash ?? unmatchable(admins()[0]?.hash),
      )
      if (holds === undefined) return { kind: 'throttled', retryAfterSeconds: 1 }
      if (admin !== undefined && hash !== undefined && holds && !isTooLong) {
        return { kind: 'ok', person: personOf(admin, now()) }
      }
      return { kind: 'wrong', why: why ?? 'wrong password', known: admin?.name }
    },
  }
}

/** Attempts count by this name, however it is written. */
function canonicalName(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase()
}

function refusal(
  admin: LocalAdmin | undefined,
  address: string,
  time: EpochMs,
): string | undefined {
  if (admin === undefined) return 'no such administrator'
  if (admin.expires !== undefined && admin.expires <= time) return 'the account has expired'
  return admin.mayCome(address) ? undefined : 'not from this network'
}

function personOf({ name, groups }: LocalAdmin, time: EpochMs): SignedIn {
  const sub = `${LOCAL_PROVIDER}:${name}`
  return {
    sub,
    email: undefined,
    name,
    claims: { sub, name, preferred_username: name },
    groups: { list: groups.map((group) => ({ name: group })), complete: true },
    acr: undefined,
    amr: ['pwd'],
    authTime: time,
    sid: undefined,
    tokens: {
      idToken: '',
      accessToken: undefined,
      refreshToken: undefined,
      accessTokenExpiresAt: undefined,
    },
  }
}

/** When the sessions of `sub` end at the latest: at once where there is no such administrator any more. */
export function localEnd(admins: readonly LocalAdmin[], sub: string): EpochMs {
  const admin = admins.find(({ name }) => `${LOCAL_PROVIDER}:${name}` === sub)
  return admin === undefined ? 0 : (admin.expires ?? Number.POSITIVE_INFINITY)
}
