/** A comparison put in order for people: changes that are alike together, and the words that all formats share. */

import { ruleText } from '../policy/explain/policy-text.ts'
import {
  type AccessChange,
  isDifferent,
  type LogCounts,
  type PolicyDiff,
  type RouteChange,
  type RouteDetail,
  type Verdict,
} from '../policy/review/diff-model.ts'
import { addressText } from '../policy/review/diff-routes.ts'
import type { Position } from '../support/problem.ts'

/** How places of both versions are shown: `main:policies/app.yaml:3` and `policies/app.yaml:3`. */
export interface DiffNames {
  /** As it was given. */
  readonly base: string
  readonly before: (at: Position) => string
  readonly after: (at: Position) => string
}

/** Changes with the same verdicts, by whoever has them. */
export interface ChangeGroup {
  readonly kind: AccessChange['kind']
  readonly before: Verdict
  readonly after: Verdict
  readonly changes: readonly AccessChange[]
}

const KINDS = ['gains', 'loses', 'other'] as const

/** What each kind is called; who gains comes first, because that is what can do harm. */
export const KIND_TITLES: Readonly<Record<AccessChange['kind'], string>> = {
  gains: 'gains access',
  loses: 'loses access',
  other: 'refused otherwise',
}

/** The groups of each kind, in the order of the kinds. */
export function groupChanges({ changes }: PolicyDiff): readonly ChangeGroup[] {
  return KINDS.flatMap((kind) => {
    const ofKind = changes.filter((change) => change.kind === kind)
    const groups = Map.groupBy(ofKind, ({ before, after }) =>
      JSON.stringify([verdictKey(before), verdictKey(after)]),
    )
    return [...groups.values()].flatMap((alike) => {
      const [first] = alike
      return first === undefined
        ? []
        : [{ kind, before: first.before, after: first.after, changes: alike }]
    })
  })
}

function verdictKey({ outcome, reason, rule, wouldBe, route }: Verdict): unknown {
  return [outcome, reason, rule, wouldBe, route]
}

/** `allowed, rule engineering`; what a verdict says besides its outcome. */
export function causeText({ reason, rule, wouldBe }: Verdict): string {
  if (wouldBe !== undefined) return `report_only, would be ${wouldBe}`
  const by = rule === undefined ? [] : [`rule ${rule.name}`]
  return [...(reason === undefined ? [] : [reason]), ...by].join(', ')
}

/** The routes that the request finds: one name, or both where they differ. */
export function routeText(before: Verdict, after: Verdict): string {
  const names = [before.route?.name ?? 'no route', after.route?.name ?? 'no route']
  return names[0] === names[1] ? (names[0] ?? '') : names.join(' -> ')
}

/** What else is to be said of a change: what a test adds to the request, or how often it was logged. */
export function remarkText({ source, when, count }: AccessChange): string {
  if (source === 'requests') return `${counted(count)} in the log`
  return source === 'routes' ? 'no test asks this' : when
}

function counted(count: number): string {
  return count === 1 ? 'once' : `${number(count)} times`
}

/** Routes that differ in the same rules, as all do that use one policy. */
export interface RouteGroup {
  readonly kind: RouteChange['kind']
  readonly routes: readonly RouteChange[]
  readonly details: readonly RouteDetail[]
  /** `- RULE` and `+ RULE`, each with its place. */
  readonly rules: readonly string[]
}

/** Added, removed and changed routes; changed ones that differ alike together. */
export function groupRoutes({ routes }: PolicyDiff, names: DiffNames): readonly RouteGroup[] {
  const groups = Map.groupBy(
    routes.map((change) => ({ change, rules: rulesOf(change, names) })),
    ({ change, rules }) =>
      change.kind === 'changed'
        ? JSON.stringify([rules, change.details])
        : JSON.stringify([change.kind, change.before?.at, change.after?.at]),
  )
  return [...groups.values()].flatMap((alike) => {
    const [first] = alike
    if (first === undefined) return []
    const { kind, details } = first.change
    return [{ kind, details, rules: first.rules, routes: alike.map(({ change }) => change) }]
  })
}

function rulesOf(change: RouteChange, names: DiffNames): readonly string[] {
  const { rulesBefore, rulesAfter } = change
  const plain = [rulesBefore, rulesAfter].map((rules) => rules.map((rule) => ruleText(rule)))
  // Where they read alike, a condition that they use is what differs.
  const isHidden = plain[0]?.some((text) => plain[1]?.includes(text)) === true
  const lines = [
    ...rulesBefore.map((rule) => `- ${ruleText(rule, isHidden)}  ${names.before(rule.at)}`),
    ...rulesAfter.map((rule) => `+ ${ruleText(rule, isHidden)}  ${names.after(rule.at)}`),
  ]
  return lines.length === 0 && change.kind !== 'changed' ? ['without a rule: nobody passes'] : lines
}

/** `wiki (wiki.example.com)`, or the name alone where it says where it is. */
export function routeTitle({ before, after }: RouteChange): string {
  const route = after ?? before
  if (route === undefined) return ''
  const address = addressText(route)
  return route.name === address ? route.name : `${route.name} (${address})`
}

/** Where the route stands, or stood. */
export function routePlace({ before, after }: RouteChange, names: DiffNames): string {
  if (after !== undefined) return names.after(after.at)
  return before === undefined ? '' : names.before(before.at)
}

/** `2 gain, 1 loses, 0 are refused otherwise; routes 1 added, 0 removed, 1 changed`; or that nothing differs. */
export function summaryText(diff: PolicyDiff): string {
  const { changes, routes, moreChanges, judged } = diff
  if (!isDifferent(diff))
    return `nobody gains or loses access; ${number(judged)} decisions compared`
  const people = (kind: AccessChange['kind']): number =>
    new Set(changes.filter((change) => change.kind === kind).map(({ subject }) => subject)).size
  const [gain, lose, other] = [people('gains'), people('loses'), people('other')]
  const of = (kind: RouteChange['kind']): number =>
    routes.filter((change) => change.kind === kind).length
  const more = moreChanges === 0 ? '' : `; ${number(moreChanges)} more requests of the log`
  return (
    `${verb(gain, 'gains', 'gain')}, ${verb(lose, 'loses', 'lose')}, ` +
    `${verb(other, 'is', 'are')} refused otherwise${more}; ` +
    `routes ${of('added')} added, ${of('removed')} removed, ${of('changed')} changed`
  )
}

function number(count: number): string {
  return count.toLocaleString('en-US')
}

function verb(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}

/** What became of the lines of the log, in one sentence each. */
export function logLines(log: LogCounts): readonly string[] {
  const parts = [
    `${number(log.lines)} lines: ${number(log.same)} ${log.same === 1 ? 'request' : 'requests'} decided alike`,
    `${number(log.changed)} otherwise`,
    `${number(log.cannotTell)} cannot tell`,
    ...(log.notJudged === 0 ? [] : [`${number(log.notJudged)} refused before any policy`]),
    ...(log.others === 0 ? [] : [`${number(log.others)} about something else`]),
    ...(log.unreadable === 0 ? [] : [`${number(log.unreadable)} unreadable`]),
  ]
  const foreign =
    `${number(log.loggedOtherwise)} were logged with another outcome than the base gives: ` +
    'the log is of other policies'
  return [parts.join(', '), ...(log.loggedOtherwise === 0 ? [] : [foreign])]
}
