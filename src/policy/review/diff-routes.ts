/** Routes of two versions side by side: which are new, which are gone, and which differ in who passes. */

import { hostText } from '../../routing/route-table.ts'
import type { Rule } from '../compiled-policy.ts'
import { pathText } from '../explain/explain.ts'
import type { Route } from '../route.ts'
import type { RouteChange, RouteDetail } from './diff-model.ts'
import type { PolicyKeys } from './policy-keys.ts'

/** What differs, in the order of the newer version; what is gone comes last. */
export function compareRoutes(
  before: readonly Route[],
  after: readonly Route[],
  keys: PolicyKeys,
): readonly RouteChange[] {
  const earlier = pair(before, after)
  const kept = new Set(earlier.values())
  return [
    ...after.flatMap((route) => changeOf(earlier.get(route), route, keys) ?? []),
    ...before
      .filter((route) => !kept.has(route))
      .flatMap((route) => changeOf(route, undefined, keys) ?? []),
  ]
}

/** Which route of `before` each of `after` was: by its given name, else by where it applies. */
function pair(before: readonly Route[], after: readonly Route[]): Map<Route, Route> {
  const pairs = new Map<Route, Route>()
  const taken = new Set<Route>()
  const match = (keyOf: (route: Route) => string | undefined): void => {
    const known = new Map<string, Route>()
    for (const route of before) {
      const key = keyOf(route)
      if (key !== undefined && !taken.has(route)) known.set(key, route)
    }
    for (const route of after) {
      const earlier = pairs.has(route) ? undefined : known.get(keyOf(route) ?? '')
      if (earlier === undefined || taken.has(earlier)) continue
      pairs.set(route, earlier)
      taken.add(earlier)
    }
  }
  match(({ name, isNamed }) => (isNamed ? name : undefined))
  match(addressText)
  return pairs
}

function changeOf(
  before: Route | undefined,
  after: Route | undefined,
  keys: PolicyKeys,
): RouteChange | undefined {
  const details = before === undefined || after === undefined ? [] : detailsOf(before, after)
  const rulesBefore = rulesOnlyIn(before, after, keys)
  const rulesAfter = rulesOnlyIn(after, before, keys)
  if (before === undefined || after === undefined) {
    const kind = before === undefined ? 'added' : 'removed'
    return { kind, before, after, details, rulesBefore, rulesAfter }
  }
  if (details.length + rulesBefore.length + rulesAfter.length === 0) return undefined
  return { kind: 'changed', before, after, details, rulesBefore, rulesAfter }
}

/** Rules of `one` that `other` has not, or not as often. */
function rulesOnlyIn(
  one: Route | undefined,
  other: Route | undefined,
  keys: PolicyKeys,
): readonly Rule[] {
  const keyOf = ({ effect, body }: Rule): string => `${effect} ${keys.node(body)}`
  const left = new Map<string, number>()
  for (const rule of other?.policy.rules ?? []) {
    left.set(keyOf(rule), (left.get(keyOf(rule)) ?? 0) + 1)
  }
  return (one?.policy.rules ?? []).filter((rule) => {
    const count = left.get(keyOf(rule)) ?? 0
    left.set(keyOf(rule), count - 1)
    return count <= 0
  })
}

function detailsOf(before: Route, after: Route): readonly RouteDetail[] {
  const details: RouteDetail[] = [
    { what: 'name', before: before.name, after: after.name },
    { what: 'address', before: addressText(before), after: addressText(after) },
    { what: 'provider', before: before.provider ?? 'any', after: after.provider ?? 'any' },
    { what: 'bearer', before: bearerText(before), after: bearerText(after) },
    { what: 'report_only', before: String(before.reportOnly), after: String(after.reportOnly) },
    { what: 'encoded_slashes', before: slashes(before), after: slashes(after) },
  ]
  return details.filter((detail) => detail.before !== detail.after)
}

function bearerText({ bearer }: Route): string {
  if (bearer === undefined) return 'none'
  return `tokens of ${bearer.provider} for ${bearer.audiences.join(', ')}`
}

function slashes({ keepEncodedSlashes }: Route): string {
  return keepEncodedSlashes ? 'keep' : 'reject'
}

/** Where a route applies: `app.example.com`, `*.example.com/adm`, `app.example.com regex /v[0-9]+/.*`. */
export function addressText({ match: { host, path } }: Route): string {
  if (path.kind === 'prefix') return `${hostText(host)}${path.prefix === '/' ? '' : path.prefix}`
  return `${hostText(host)} ${pathText(path)}`
}
