/** An array that has grown one by one has room for what never comes: of a small one that stays, several times its size. */

const NONE: readonly never[] = []

/** A copy that takes no more room than it needs; empty ones are the same. */
export function exact<T>(grown: readonly T[]): readonly T[] {
  return grown.length === 0 ? NONE : grown.slice()
}
