/** `session` of a route: how long ago a sign-in, and the last use of it, may be here. */

import type { Report } from '../language/matchers.ts'
import type { RouteSession } from '../route.ts'
import { entriesInside, type RouteEntries, readAnyDuration } from './route-values.ts'

const KEYS = ['lifetime', 'idle'] as const

/** Null where the key is not written. */
export function readSession(
  entries: RouteEntries,
  report: Report,
): RouteSession | null | undefined {
  const entry = entries.get('session')
  if (entry === undefined) return null
  const inside = entriesInside(entry, KEYS, report)
  if (inside === undefined) return undefined
  const [lifetimeMs, idleMs] = KEYS.map((key) => {
    const ms = readAnyDuration(inside, key, report)
    const at = inside.get(key)?.value.at
    return ms === 0 && at !== undefined ? report(at, `\`${key}\` is longer than \`0s\``) : ms
  })
  if (lifetimeMs === undefined || idleMs === undefined) return undefined
  return {
    at: entry.keyAt,
    lifetimeMs: lifetimeMs ?? Number.POSITIVE_INFINITY,
    idleMs: idleMs ?? Number.POSITIVE_INFINITY,
  }
}
