/**
 * Versions of what is stored of sessions: record and card. Gateways of two releases share a store while they are rolled
 * out, and a release may be taken back. Each reads what the release before it wrote; what a later one wrote it reads where
 * that says so, and otherwise takes it for no session and leaves it as it is.
 */

/**
 * Raised by one with each change. Index keys have none: another derivation takes another purpose, and both are looked up.
 * 1: before sessions were refreshed. 2: tokens tell when they came and what was granted.
 */
const VERSION = 2
/**
 * The oldest version whose readers understand what is written now, and may write it anew as theirs. A release that would
 * have older readers misread something raises it, after a release that reads both: so a roll-out signs nobody out.
 */
const NEEDS: number = 2

interface Versioned {
  readonly version?: number
  readonly needs?: number
}

/** `value` with what earlier and later readers have to know of it. */
export function versioned<T extends object>(value: T): T & Versioned {
  return { version: VERSION, ...(NEEDS < VERSION ? { needs: NEEDS } : {}), ...value }
}

/** Cards had no version at first. Where nothing is said of readers, they need to know the version itself. */
export function isReadable(data: object): boolean {
  const { version = 1, needs = version } = data as Versioned
  return needs <= VERSION
}
