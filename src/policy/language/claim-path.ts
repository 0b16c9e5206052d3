/** Looks up `claim/PATH` in a token's claims. The ways to read the path are found at load, so that a look-up only tests. */

/** The steps that a path can be cut into are so many at most; real ones have two or three. */
const MAX_STEPS = 32

/** A place in the path: the rest of it as one key, and every shorter key that may be entered, longest first. */
interface PathPoint {
  readonly whole: string
  readonly entries: readonly { readonly key: string; readonly rest: PathPoint }[]
}

/** The value at a path, or `undefined` where the token holds none; null is none. */
export type ClaimLookup = (claims: Readonly<Record<string, unknown>>) => unknown

/** `undefined` where the path has too many steps. */
export function compileClaimPath(path: string): ClaimLookup | undefined {
  const separators = [...path.matchAll(/[/.]/g)].map((match) => match.index)
  if (separators.length > MAX_STEPS) return undefined
  const points = new Map<number, PathPoint>()
  for (const start of [...separators.map((index) => index + 1), 0].sort((a, b) => b - a)) {
    const entries = separators
      .filter((end) => end > start)
      .reverse()
      .map((end) => ({ key: path.slice(start, end), rest: points.get(end + 1) }))
      .filter((entry): entry is { key: string; rest: PathPoint } => entry.rest !== undefined)
    points.set(start, { whole: path.slice(start), entries })
  }
  const from = points.get(0)
  return from === undefined ? undefined : (claims) => lookUp(claims, from)
}

// Only what the token itself holds counts: `constructor` and the like are no claims.
function lookUp(claims: object, point: PathPoint): unknown {
  if (Object.hasOwn(claims, point.whole)) {
    return (claims as Record<string, unknown>)[point.whole] ?? undefined
  }
  for (const { key, rest } of point.entries) {
    const inner = Object.hasOwn(claims, key) ? (claims as Record<string, unknown>)[key] : undefined
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
      return lookUp(inner, rest)
    }
  }
  return undefined
}
