/** The written form of a password's hash: `scrypt:ln=15,r=8,p=3:SALT:KEY`, salt and key in base64url. Pure. */

export interface PasswordHash {
  /** Cost as a power of two (RFC 7914 §2). */
  readonly logN: number
  readonly r: number
  readonly p: number
  readonly salt: Uint8Array
  readonly key: Uint8Array
}

const WRITTEN =
  /^scrypt:ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2}):([A-Za-z0-9_-]+):([A-Za-z0-9_-]+)$/
const KEY_BYTES = 32
const MIN_SALT_BYTES = 16
const MIN_LOG_N = 14
/** What one guess may take of memory, and of work; more would let guesses stop the gateway. */
const MAX_BYTES = 128 * 1024 * 1024
const MAX_WORK = 2 ** 22

/** The memory that one computation takes. RFC 7914 §6 */
export function scryptBytes({ logN, r }: Pick<PasswordHash, 'logN' | 'r'>): number {
  return 128 * 2 ** logN * r
}

export function formatPasswordHash({ logN, r, p, salt, key }: PasswordHash): string {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
  return `scrypt:ln=${logN},r=${r},p=${p}:${text(salt)}:${text(key)}`
}

/** The hash that `text` is, or what is wrong with it, without repeating it. */
export function parsePasswordHash(text: string): PasswordHash | string {
  const match = WRITTEN.exec(text)
  if (match === null) return 'no password hash; `gatehouse hash-password` makes one'
  const [logN = 0, r = 0, p = 0] = match.slice(1, 4).map(Number)
  const [salt, key] = match.slice(4).map((part) => Buffer.from(part, 'base64url'))
  if (salt === undefined || salt.length < MIN_SALT_BYTES || key?.length !== KEY_BYTES) {
    return 'a password hash that is cut off; `gatehouse hash-password` makes one'
  }
  if (logN < MIN_LOG_N || r < 1 || p < 1) {
    return 'a password hash that is too cheap to guess against; `gatehouse hash-password` makes one'
  }
  if (scryptBytes({ logN, r }) > MAX_BYTES || 2 ** logN * r * p > MAX_WORK) {
    return 'a password hash that takes too much to check; `gatehouse hash-password` makes one'
  }
  return { logN, r, p, salt, key }
}
