/** A decision log judged by both versions, line by line. Keeps counts and changes, never lines. */

import type { RouteTable } from '../../routing/route-table.ts'
import type { CompiledPolicy } from '../compiled-policy.ts'
import type { Subject } from '../model.ts'
import type { Route } from '../route.ts'
import { routeName } from './diff.ts'
import { askedIn, type LoggedRequest, readLogLine } from './diff-log-line.ts'
import { createLogged } from './diff-logged.ts'
import type { AccessChange, LogCounts, PolicyDiff, Untold, Verdict } from './diff-model.ts'
import {
  type BothReadings,
  type Comparison,
  kindOf,
  type Routed,
  type Versions,
} from './diff-verdict.ts'
import { ANYBODY, type Tell } from './partial-facts.ts'

/** So many different changes are kept; a log may hold any number of people. */
const MAX_CHANGES = 10_000

export interface LogComparison {
  /** Takes one line, without its end. */
  add(line: string): void
  /** Counts a line that is no text or too long. */
  addUnreadable(): void
  /** How many there were so far. */
  lines(): number
  result(): Pick<PolicyDiff, 'changes' | 'moreChanges' | 'untold'> & { readonly log: LogCounts }
}

/** Compares `versions` over a log that was written under `base`, the earlier of the two, as far as it tells. */
export function compareLog(versions: Versions, base: RouteTable<Route>): LogComparison {
  const logged = createLogged(versions.keys)
  const policyOf = createPolicyLookup(base)
  const kept = createKept()
  const counts = {
    lines: 0,
    same: 0,
    changed: 0,
    cannotTell: 0,
    notJudged: 0,
    others: 0,
    unreadable: 0,
    loggedOtherwise: 0,
  }
  const factsOf = (reading: Routed) => logged.facts(reading.path.decoded)

  const judge = (line: LoggedRequest): void => {
    logged.turnTo(line)
    const readings = versions.read(askedIn(line))
    const tell = logged.tellFor(policyOf(line, readings.before))
    if (isLoggedOtherwise(line, readings, tell)) counts.loggedOtherwise++
    const subjects = line.who === 'unknown' ? ANYBODY : [logged.subject]
    const result = joined(
      subjects.map((subject) => versions.compare(readings, subject, factsOf, tell)),
    )
    if (result === 'same') counts.same++
    else if (result === 'untold') {
      counts.cannotTell++
      kept.untold(readings, () => asksOf(readings, subjects, tell))
    } else {
      counts.changed++
      kept.change(line, readings, result)
    }
  }

  const isLoggedOtherwise = (
    { outcome, who }: LoggedRequest,
    { before }: BothReadings,
    tell: Tell,
  ): boolean => {
    if (outcome === undefined || outcome === 'rejected' || who === 'unknown') return false
    const verdict = versions.judge(before, logged.subject, factsOf, tell)
    return verdict !== undefined && verdict.outcome !== outcome
  }

  const asksOf = (readings: BothReadings, subjects: readonly Subject[], tell: Tell) =>
    versions.asks(readings, subjects.at(-1) ?? logged.subject, factsOf, tell)

  return {
    add(text) {
      counts.lines++
      const line = readLogLine(text)
      if (line === 'unreadable') counts.unreadable++
      else if (line === 'other') counts.others++
      else if (line === 'not-judged') counts.notJudged++
      else judge(line)
    },
    addUnreadable() {
      counts.lines++
      counts.unreadable++
    },
    lines: () => counts.lines,
    result: () => ({ ...kept.result(), log: counts }),
  }
}

/** Of those who may have asked: the same for all of them, or it cannot be told. */
function joined(results: readonly Comparison[]): Comparison {
  const [first = 'untold', second] = results
  if (second === undefined) return first
  if (typeof first === 'string' || typeof second === 'string') {
    return first === second ? first : 'untold'
  }
  const isOne =
    first.before.outcome === second.before.outcome && first.after.outcome === second.after.outcome
  return isOne ? first : 'untold'
}

/** Finds the policy under which a line was logged: that of its route's name, where one route has it. */
function createPolicyLookup(
  base: RouteTable<Route>,
): (line: LoggedRequest, reading: BothReadings['before']) => CompiledPolicy | undefined {
  const byName = new Map<string, CompiledPolicy | undefined>()
  for (const { name, policy } of base.routes) {
    // Names that are derived may be alike; then nothing is sure.
    byName.set(name, byName.has(name) ? undefined : policy)
  }
  return ({ route }, reading) => {
    if (route === undefined) return undefined
    const isSame = reading.kind === 'routed' && reading.route.name === route
    return isSame ? reading.route.policy : byName.get(route)
  }
}

function createKept() {
  const changes = new Map<string, { readonly change: AccessChange; count: number }>()
  const untold = new Map<string, Untold>()
  let moreChanges = 0
  return {
    change(line: LoggedRequest, readings: BothReadings, result: Exclude<Comparison, string>): void {
      const { before, after } = result
      const key = keyOf(line.who, before, after)
      const known = changes.get(key)
      if (known !== undefined) {
        known.count++
      } else if (changes.size >= MAX_CHANGES) {
        moreChanges++
      } else {
        const change: AccessChange = {
          kind: kindOf(before, after),
          source: 'requests',
          subject: nameOf(line.who),
          request: textOf(line, readings),
          when: '',
          before,
          after,
          count: 1,
        }
        changes.set(key, { change, count: 1 })
      }
    },
    untold(readings: BothReadings, asks: () => readonly string[]): void {
      const route = routeName(readings)
      const known = untold.get(route)
      const count = (known?.count ?? 0) + 1
      untold.set(route, { source: 'requests', route, count, asks: known?.asks ?? asks() })
    },
    result: () => ({
      changes: [...changes.values()].map(({ change, count }) => ({ ...change, count })),
      moreChanges,
      untold: [...untold.values()],
    }),
  }
}

/** Alike are requests of one person who gets the same from the same rules. */
function keyOf(who: LoggedRequest['who'], before: Verdict, after: Verdict): string {
  const person = typeof who === 'string' ? [who] : [who.provider, who.sub, who.email]
  const verdicts = [before, after].map(({ outcome, reason, rule, wouldBe, route }) => [
    outcome,
    reason,
    rule,
    wouldBe,
    route,
  ])
  return JSON.stringify([person, verdicts])
}

function nameOf(who: LoggedRequest['who']): string {
  if (who === 'anonymous') return who
  if (who === 'unknown') return 'somebody'
  return who.email ?? who.sub
}

function textOf({ method, host, path }: LoggedRequest, { before, after }: BothReadings): string {
  const route = after.kind === 'routed' ? after.route : before.kind === 'routed' && before.route
  const scheme = route && !route.secure ? 'http' : 'https'
  return `${method} ${scheme}://${host}${path}`
}
