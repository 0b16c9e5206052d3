/** A comparison of policies for programs, in the words of the decision log; what does not apply is null. */

import { ruleText } from '../policy/explain/policy-text.ts'
import type {
  AccessChange,
  LogCounts,
  PolicyDiff,
  RouteChange,
  Verdict,
} from '../policy/review/diff-model.ts'
import { addressText } from '../policy/review/diff-routes.ts'
import type { Route } from '../policy/route.ts'
import type { DiffNames } from './output-diff-groups.ts'

/** One JSON document. */
export function diffJson(diff: PolicyDiff, names: DiffNames): string {
  const count = (kind: AccessChange['kind']) =>
    diff.changes.filter((change) => change.kind === kind).length
  const result = {
    base: names.base,
    gains: count('gains'),
    loses: count('loses'),
    other: count('other'),
    changes: diff.changes.map((change) => jsonChange(change, names)),
    more_changes: diff.moreChanges,
    routes: diff.routes.map((change) => jsonRouteChange(change, names)),
    cannot_tell: diff.untold,
    judged: diff.judged,
    requests: diff.log === undefined ? null : jsonLog(diff.log),
  }
  return `${JSON.stringify(result, null, 2)}\n`
}

function jsonChange(change: AccessChange, names: DiffNames) {
  const { kind, source, subject, request, when, count, before, after } = change
  return {
    kind,
    source,
    subject,
    request,
    when: when === '' ? null : when,
    count,
    before: jsonVerdict(before, names.before),
    after: jsonVerdict(after, names.after),
  }
}

function jsonVerdict(
  { outcome, reason, rule, wouldBe, route }: Verdict,
  place: DiffNames['before'],
) {
  return {
    outcome,
    would_be: wouldBe ?? null,
    reason: reason ?? null,
    rule: rule?.name ?? null,
    rule_at: rule === undefined ? null : place(rule.at),
    route: route?.name ?? null,
    route_at: route === undefined ? null : place(route.at),
  }
}

function jsonRouteChange(change: RouteChange, names: DiffNames) {
  const { kind, before, after, details, rulesBefore, rulesAfter } = change
  return {
    kind,
    name: (after ?? before)?.name ?? null,
    before: jsonRoute(before, names.before),
    after: jsonRoute(after, names.after),
    details,
    rules_removed: rulesBefore.map((rule) => ({
      rule: ruleText(rule),
      rule_at: names.before(rule.at),
    })),
    rules_added: rulesAfter.map((rule) => ({
      rule: ruleText(rule),
      rule_at: names.after(rule.at),
    })),
  }
}

function jsonRoute(route: Route | undefined, place: DiffNames['before']) {
  if (route === undefined) return null
  return { name: route.name, address: addressText(route), route_at: place(route.at) }
}

function jsonLog(log: LogCounts) {
  return {
    lines: log.lines,
    same: log.same,
    changed: log.changed,
    cannot_tell: log.cannotTell,
    not_judged: log.notJudged,
    others: log.others,
    unreadable: log.unreadable,
    logged_otherwise: log.loggedOtherwise,
  }
}
