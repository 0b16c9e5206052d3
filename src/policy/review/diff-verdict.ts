/** Requests judged by two versions of the policies, through the canonicalizer, the route table and decide(). */

import type { RouteTable } from '../../routing/route-table.ts'
import type { CompiledPolicy } from '../compiled-policy.ts'
import type { Facts, Subject } from '../model.ts'
import type { Route } from '../route.ts'
import { type AskedRequest, type Reading, readRequest } from '../suite/asked-request.ts'
import { subjectOnRoute } from '../suite/subjects.ts'
import type { AccessChange, Verdict } from './diff-model.ts'
import {
  createPartialPolicy,
  type PartialDecision,
  type PartialPolicy,
} from './partial-decision.ts'
import { criteriaOf, SOMEBODY, type Tell } from './partial-facts.ts'
import { createPolicyKeys, type PolicyKeys } from './policy-keys.ts'

/** A request that both versions have read. */
export interface BothReadings {
  readonly before: Reading<Route>
  readonly after: Reading<Route>
}

/** `same`: nobody gets anything else. `untold`: that depends on what is not known. */
export type Comparison = 'same' | 'untold' | { readonly before: Verdict; readonly after: Verdict }

export interface Versions {
  readonly keys: PolicyKeys
  read(request: AskedRequest): BothReadings
  /** Whether both versions decide alike, whoever asks. */
  areAlike(readings: BothReadings): boolean
  /** `undefined` where it depends on what is not known: `factsOf` may give facts that are `untold()` in part. */
  judge(
    reading: Reading<Route>,
    subject: Subject,
    factsOf: (reading: Routed) => Facts,
    tell: Tell,
  ): Verdict | undefined
  compare(
    readings: BothReadings,
    subject: Subject,
    factsOf: (reading: Routed) => Facts,
    tell: Tell,
  ): Comparison
  /** Texts of criteria, at most three, that ask for what is not known. */
  asks(
    readings: BothReadings,
    subject: Subject,
    factsOf: (reading: Routed) => Facts,
    tell: Tell,
  ): readonly string[]
}

export type Routed = Extract<Reading<Route>, { kind: 'routed' }>

/** The versions `before` and `after`, ready to be asked. */
export function createVersions(before: RouteTable<Route>, after: RouteTable<Route>): Versions {
  const keys = createPolicyKeys()
  // Alike for what decides: the rules, whose session counts, and whether it is for the log alone.
  const decisionKeys = new Map<Route, string>()
  for (const route of [...before.routes, ...after.routes]) decisionKeys.set(route, keyOf(route))
  function keyOf({ policy, provider, reportOnly }: Route): string {
    return JSON.stringify([keys.policy(policy), provider, reportOnly])
  }

  const ready = new Map<Tell, Map<CompiledPolicy, PartialPolicy>>()
  const partialPolicy = (policy: CompiledPolicy, tell: Tell): PartialPolicy => {
    let known = ready.get(tell)
    if (known === undefined) {
      known = new Map()
      ready.set(tell, known)
    }
    let partial = known.get(policy)
    if (partial === undefined) {
      partial = createPartialPolicy(policy, tell)
      known.set(policy, partial)
    }
    return partial
  }

  const areAlike: Versions['areAlike'] = (readings) => {
    if (readings.before.kind !== 'routed' || readings.after.kind !== 'routed') {
      return readings.before.kind === readings.after.kind
    }
    const { route } = readings.after
    return decisionKeys.get(readings.before.route) === decisionKeys.get(route)
  }

  const judge: Versions['judge'] = (reading, subject, factsOf, tell) => {
    if (reading.kind !== 'routed') return unjudged(reading)
    const { route } = reading
    const seenAs = seenOn(route, subject)
    const decision = partialPolicy(route.policy, tell).decide(factsOf(reading), seenAs)
    return verdictOn(route, decision)
  }

  return {
    keys,
    read: (request) => ({
      before: readRequest(before, request),
      after: readRequest(after, request),
    }),
    areAlike,
    judge,
    compare(readings, subject, factsOf, tell) {
      if (areAlike(readings)) return 'same'
      const first = judge(readings.before, subject, factsOf, tell)
      const second = judge(readings.after, subject, factsOf, tell)
      if (first !== undefined && second !== undefined) {
        return first.outcome === second.outcome ? 'same' : { before: first, after: second }
      }
      return leavesTheSameOpen(readings, subject, factsOf, tell, keys) ? 'same' : 'untold'
    },
    asks(readings, subject, factsOf, tell) {
      const open = [readings.before, readings.after]
        .filter((reading) => reading.kind === 'routed')
        .flatMap((reading) => {
          const seenAs = seenOn(reading.route, subject)
          const facts = factsOf(reading)
          return criteriaOf(reading.route.policy).filter(
            (criterion) => tell(criterion)(facts, seenAs, false) === undefined,
          )
        })
      return [...new Set(open.map(({ text }) => text))].slice(0, 3)
    },
  }
}

/** Of somebody of whom nothing is known the provider is not known either; to another one's route they are nobody. */
function seenOn(route: Route, subject: Subject): Subject {
  return subject === SOMEBODY ? subject : subjectOnRoute(subject, route)
}

function unjudged(reading: Exclude<Reading<Route>, Routed>): Verdict {
  const nothing = { rule: undefined, wouldBe: undefined, route: undefined }
  if (reading.kind === 'own') return { ...nothing, outcome: 'own_endpoint', reason: undefined }
  return { ...nothing, outcome: 'rejected', reason: reading.code }
}

function verdictOn(route: Route, decision: PartialDecision | undefined): Verdict | undefined {
  const where = { name: route.name, at: route.at }
  if (route.reportOnly && decision?.outcome !== 'allow') {
    const wouldBe = decision?.outcome ?? 'unknown'
    return { outcome: 'allow', reason: undefined, rule: undefined, wouldBe, route: where }
  }
  return decision && { ...decision, wouldBe: undefined, route: where }
}

/** What cannot be told may still be the same on both sides, such as the one rule that asks for a claim. */
function leavesTheSameOpen(
  { before, after }: BothReadings,
  subject: Subject,
  factsOf: (reading: Routed) => Facts,
  tell: Tell,
  keys: PolicyKeys,
): boolean {
  if (before.kind !== 'routed' || after.kind !== 'routed') return false
  const seen = [seenOn(before.route, subject), seenOn(after.route, subject)] as const
  if (seen[0].kind !== seen[1].kind) return false
  const restOf = (reading: Routed, seenAs: Subject, provedAgain: boolean): string => {
    const facts = factsOf(reading)
    return keys.rest(reading.route.policy, (criterion) =>
      tell(criterion)(facts, seenAs, provedAgain),
    )
  }
  return [false, true].every(
    (provedAgain) => restOf(before, seen[0], provedAgain) === restOf(after, seen[1], provedAgain),
  )
}

/** Who gets in now and did not, or the reverse. */
export function kindOf(before: Verdict, after: Verdict): AccessChange['kind'] {
  if (after.outcome === 'allow') return 'gains'
  return before.outcome === 'allow' ? 'loses' : 'other'
}
