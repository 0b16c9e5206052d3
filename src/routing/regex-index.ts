/** The regex routes of one host. Their literal beginnings exclude each other, so at most one has to be tried. */

import { RE2JS } from 're2js'

export interface RegexRoute<R> {
  readonly regex: RE2JS
  readonly source: string
  readonly route: R
}

/** Sorted by `beginning`; none is the beginning of another. */
export type RegexIndex<R> = readonly {
  readonly beginning: string
  readonly regex: RE2JS
  readonly route: R
}[]

/**
 * Indexes the regex routes of a host. A conflict is a pair, the later route first, whose beginnings do not
 * exclude each other: both could match one path.
 */
export function indexRegexes<R>(routes: readonly RegexRoute<R>[]): {
  readonly index: RegexIndex<R>
  readonly conflicts: readonly (readonly [R, R])[]
} {
  const sorted = routes
    .map(({ regex, source, route }, order) => {
      return { beginning: literalBeginning(source), regex, route, order }
    })
    .sort((a, b) =>
      a.beginning === b.beginning ? a.order - b.order : a.beginning < b.beginning ? -1 : 1,
    )
  const index: typeof sorted = []
  const conflicts: [R, R][] = []
  for (const entry of sorted) {
    const previous = index.at(-1)
    // In sorted order whatever begins with `previous.beginning` stands right behind it.
    if (previous !== undefined && entry.beginning.startsWith(previous.beginning)) {
      conflicts.push(
        entry.order > previous.order
          ? [entry.route, previous.route]
          : [previous.route, entry.route],
      )
    } else {
      index.push(entry)
    }
  }
  return { index, conflicts }
}

/** The route whose regex matches the whole of `path`. */
export function findRegex<R>(index: RegexIndex<R>, path: string): R | undefined {
  let low = 0
  let high = index.length
  while (low < high) {
    const middle = (low + high) >> 1
    const entry = index[middle]
    if (entry !== undefined && entry.beginning <= path) low = middle + 1
    else high = middle
  }
  // The last beginning that is not behind `path` in the order: if any begins `path`, it is this one.
  const entry = index[low - 1]
  if (entry === undefined || !path.startsWith(entry.beginning)) return undefined
  return entry.regex.testExact(path) ? entry.route : undefined
}

/**
 * Text that every match begins with; empty where there is none to be sure of. The whole path is matched, so a `^`
 * in front says nothing new, but would hide the text behind it from the engine.
 */
export function literalBeginning(source: string): string {
  const withoutAnchor = source.replace(/^\^(?![*+?{])/, '')
  return RE2JS.compile(withoutAnchor).re2().prefix
}
