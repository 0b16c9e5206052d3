/** How a route changes the path and the host on their way upstream: `prefix_rewrite`, `regex_rewrite_*`, `host_rewrite`. */

import { readAuthority } from '../../routing/host-name.ts'
import {
  checkRewritten,
  encodePathText,
  type PathRewrite,
  rewritePattern,
  rewritePrefix,
  rewriteWhole,
  type SubstitutionPart,
} from '../../routing/path-rewrite.ts'
import type { PathMatch } from '../../routing/route-table.ts'
import type { Position } from '../../support/problem.ts'
import type { Around } from '../language/compile-conditions.ts'
import { compilePattern, type Report } from '../language/matchers.ts'
import type { Route } from '../route.ts'
import { type RouteEntries, readText } from './route-values.ts'

export type RouteRewrites = Pick<Route, 'rewrite' | 'hostRewrite'>

/** What a path that is written for the upstream depends on. */
export interface PathSetting {
  /** `undefined` where the route's own path could not be read. */
  readonly match: PathMatch | undefined
  readonly keepEncodedSlashes: boolean
}

export function readRewrites(
  entries: RouteEntries,
  setting: PathSetting,
  { report }: Around,
): RouteRewrites | undefined {
  const byPattern = readPatternRewrite(entries, setting, report)
  const byPrefix = readPrefixRewrite(entries, setting, report)
  const hostRewrite = readHostRewrite(entries, report)
  if (byPattern === undefined || byPrefix === undefined || hostRewrite === undefined) {
    return undefined
  }
  const pattern = entries.get('regex_rewrite_pattern')
  if (byPattern !== null && byPrefix !== null && pattern !== undefined) {
    return report(
      pattern.keyAt,
      'a route has `prefix_rewrite` or `regex_rewrite_pattern`; drop one of them',
    )
  }
  return { rewrite: byPattern ?? byPrefix ?? undefined, hostRewrite: hostRewrite ?? undefined }
}

/** Encodes a path that is written as plain text; `undefined` and reported where it cannot be sent. */
export function readPathText(
  key: string,
  text: string,
  at: Position,
  keepEncodedSlashes: boolean,
  report: Report,
): string | undefined {
  if (!text.startsWith('/')) return report(at, `\`${key}\` begins with a slash: \`/${text}\``)
  if (/[?#]/.test(text)) return report(at, `\`${key}\` is a path, without \`?\` and \`#\``)
  const encoded = encodePathText(text, keepEncodedSlashes)
  const refusal = checkRewritten(encoded, keepEncodedSlashes)
  return refusal === undefined
    ? encoded
    : report(at, `\`${key}\` is a plain path, without \`//\`, \`.\`, \`..\` and backslashes`)
}

/** `by` in place of what `match` took; `undefined` and reported for a regex, which takes no prefix. */
export function rewriteMatched(
  by: string,
  { match, keepEncodedSlashes }: PathSetting,
  at: Position,
  report: Report,
): PathRewrite | undefined {
  if (match === undefined) return undefined
  if (match.kind === 'path') return rewriteWhole(by)
  if (match.kind === 'prefix') return rewritePrefix(match.prefix, by, keepEncodedSlashes)
  return report(
    at,
    '`prefix_rewrite` goes with `prefix`; write `regex_rewrite_pattern` for a regex',
  )
}

function readPrefixRewrite(
  entries: RouteEntries,
  setting: PathSetting,
  report: Report,
): PathRewrite | null | undefined {
  const text = readText(entries, 'prefix_rewrite', report)
  const entry = entries.get('prefix_rewrite')
  if (typeof text !== 'string' || entry === undefined) return text === null ? null : undefined
  const { at } = entry.value
  const by = readPathText('prefix_rewrite', text, at, setting.keepEncodedSlashes, report)
  return by === undefined ? undefined : rewriteMatched(by, setting, entry.keyAt, report)
}

function readPatternRewrite(
  entries: RouteEntries,
  { keepEncodedSlashes }: PathSetting,
  report: Report,
): PathRewrite | null | undefined {
  const pattern = entries.get('regex_rewrite_pattern')
  const substitution = entries.get('regex_rewrite_substitution')
  const one = pattern ?? substitution
  if (one === undefined) return null
  if (pattern === undefined || substitution === undefined) {
    return report(
      one.keyAt,
      '`regex_rewrite_pattern` and `regex_rewrite_substitution` stand together',
    )
  }
  const source = readText(entries, 'regex_rewrite_pattern', report)
  const { value } = substitution
  const text = value.kind === 'scalar' && typeof value.value === 'string' ? value.value : undefined
  // Empty is fine here: what matched is left out.
  if (text === undefined) report(value.at, '`regex_rewrite_substitution` takes a text, in quotes')
  if (typeof source !== 'string' || text === undefined) return undefined
  const regex = compilePattern(source, false, pattern.value.at, report)
  if (regex === undefined) return undefined
  const parts = readSubstitution(text, regex.groupCount(), keepEncodedSlashes)
  return typeof parts === 'string'
    ? report(value.at, parts)
    : rewritePattern(regex, parts, keepEncodedSlashes)
}

const MAX_SUBSTITUTION = 1_000

/** The pieces of a substitution; a text says what is wrong with it. */
function readSubstitution(
  text: string,
  groups: number,
  keepEncodedSlashes: boolean,
): readonly SubstitutionPart[] | string {
  if (/[?#\p{Cc}]/u.test(text)) {
    return '`regex_rewrite_substitution` is part of a path, without `?`, `#` and controls'
  }
  if (text.length > MAX_SUBSTITUTION) {
    return `\`regex_rewrite_substitution\` is at most ${MAX_SUBSTITUTION} characters`
  }
  const parts: SubstitutionPart[] = []
  for (const [piece] of text.matchAll(/\\.?|[^\\]+/gs)) {
    if (!piece.startsWith('\\')) {
      parts.push(encodePathText(piece, keepEncodedSlashes))
      continue
    }
    const group = /^\\\d$/.test(piece) ? Number(piece.slice(1)) : Number.NaN
    if (Number.isNaN(group)) return 'a backslash stands before the number of a group: `\\1`'
    if (group > groups) return `the pattern has no group \`${piece}\`; it has ${groups}`
    parts.push(group)
  }
  return parts
}

function readHostRewrite(entries: RouteEntries, report: Report): string | null | undefined {
  const text = readText(entries, 'host_rewrite', report)
  const entry = entries.get('host_rewrite')
  if (typeof text !== 'string' || entry === undefined) return text
  const preserved = entries.get('preserve_host_header')?.value
  if (preserved?.kind === 'scalar' && preserved.value === true) {
    return report(
      entry.keyAt,
      '`host_rewrite` beside `preserve_host_header: true`; drop one of them',
    )
  }
  const host = readAuthority(text)
  if (host === undefined) {
    return report(
      entry.value.at,
      '`host_rewrite` is a host, as in `app.internal` or `app.internal:3000`',
    )
  }
  return host.port === undefined ? host.name : `${host.name}:${host.port}`
}
