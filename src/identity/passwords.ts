/** Passwords hashed and checked by scrypt, beside the event loop and only a few at once. */

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { formatPasswordHash, type PasswordHash, scryptBytes } from '../support/password-hash.ts'

/** 32 MB and a good tenth of a second: what OWASP's password storage cheat sheet asks for at this much memory. */
const COST = { logN: 15, r: 8, p: 3 } as const
const SALT_BYTES = 16
const KEY_BYTES = 32
/** Node computes in four threads, which files and names need too. */
const AT_ONCE = 2
/** Longer than any password; hashing begins with reading it. */
export const MAX_PASSWORD_BYTES = 1_024

/** The hash of `password` under a new salt, as it is written into a config. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  return formatPasswordHash({ ...COST, salt, key: await derive(password, { ...COST, salt }) })
}

export interface PasswordChecks {
  /** Whether `password` is the one of `hash`; `undefined` where too many others are being checked. */
  check(password: string, hash: PasswordHash): Promise<boolean | undefined>
}

/** @param maxWaiting checks that wait for others; more are turned away */
export function createPasswordChecks(maxWaiting = 20): PasswordChecks {
  let running = 0
  const waiting: (() => void)[] = []
  const enter = async (): Promise<boolean> => {
    if (running < AT_ONCE) {
      running++
      return true
    }
    if (waiting.length >= maxWaiting) return false
    // Whoever leaves hands its place on.
    await new Promise<void>((resolve) => waiting.push(resolve))
    return true
  }
  const leave = (): void => {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
  return {
    check: async (password, hash) => {
      if (!(await enter())) return undefined
      try {
        return timingSafeEqual(await derive(password, hash), hash.key)
      } finally {
        leave()
      }
    },
  }
}

/** A hash that no password has, and that costs as much as `like`; the usual cost where there is nothing alike. */
export function unmatchable(like: Omit<PasswordHash, 'salt' | 'key'> | undefined): PasswordHash {
  const { logN, r, p } = like ?? COST
  return { logN, r, p, salt: randomBytes(SALT_BYTES), key: randomBytes(KEY_BYTES) }
}

/** One spelling for what looks alike on different keyboards. RFC 8265 §4.2 */
function derive(
  password: string,
  { logN, r, p, salt }: Omit<PasswordHash, 'key'>,
): Promise<Buffer> {
  const options = { N: 2 ** logN, r, p, maxmem: 2 * scryptBytes({ logN, r }) }
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, KEY_BYTES, options, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}
