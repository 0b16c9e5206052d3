/** Access reviews: for each route who may do what by which rule, and what one subject may open. */

import { FALSE, type Rule, TRUE } from '../compiled-policy.ts'
import { ruleText } from '../explain/policy-text.ts'
import type { Outcome, Reason, RuleRef, Subject } from '../model.ts'
import type { Route } from '../route.ts'
import { subjectOnRoute } from '../suite/subjects.ts'
import { createPartialPolicy } from './partial-decision.ts'
import { ask, factsOfPath, SOMEBODY, tellByAsking } from './partial-facts.ts'
import { type Known, type Literal, type Term, termsOf } from './who-can-terms.ts'

/** Who may do what on a route, or with `deny` may not although another rule says so. */
export interface AccessRow {
  readonly route: Route
  readonly effect: 'allow' | 'deny'
  /** `undefined` where no rule says it: nobody gets in, or `report_only` lets everyone pass. */
  readonly rule: RuleRef | undefined
  /** `group ops`, `anyone signed in`, `everyone, without signing in`, `nobody`. */
  readonly who: string
  /** What of the request must be so; `everything` where nothing must. */
  readonly what: string
  /** Further conditions: a time, a certificate, how the sign-in was done; empty where there are none. */
  readonly when: string
}

export const EVERYONE = 'everyone, without signing in'
const SIGNED_IN = 'anyone signed in'
const EVERYTHING = 'everything'

/** Who may pass `route`: its allow rules, then its deny rules. @param path decoded, where it is known which is asked for */
export function whoCan(route: Route, path: string | undefined): readonly AccessRow[] {
  const known = knownAt(path)
  const rows = (rules: readonly Rule[]) => rules.flatMap((rule) => rowsOf(route, rule, known))
  const { allowRules, denyRules } = route.policy
  const allowed = rows(allowRules)
  const denied = rows(denyRules)
  const isShut = denyRules.some(({ body }) => termsOf(body, true, known)?.some(isEmpty))
  const single = { route, effect: 'allow', rule: undefined, what: EVERYTHING } as const
  if (route.reportOnly) {
    const when = 'report_only: what the rules say is only logged'
    return [{ ...single, who: EVERYONE, when }, ...allowed, ...denied]
  }
  if (allowed.length > 0 && !isShut) return [...allowed, ...denied]
  return [{ ...single, who: 'nobody', when: '' }, ...denied]
}

function isEmpty(term: Term): boolean {
  return term.length === 0
}

/** Of a request no more than its path is known; of who asks, nothing. */
function knownAt(path: string | undefined): Known {
  const facts = factsOfPath(path)
  return (part) => {
    const isAboutRequest =
      'parts' in part ? part.parts.every(({ kind }) => kind === 'request') : part.kind === 'request'
    return isAboutRequest ? ask(part, facts, SOMEBODY, false) : undefined
  }
}

function rowsOf(route: Route, rule: Rule, known: Known): readonly AccessRow[] {
  const { effect } = rule
  const ref: RuleRef = { name: rule.name, at: rule.at }
  const terms = termsOf(rule.body, true, known)
  if (terms === undefined) {
    const who = `as the rule says: ${ruleText(rule)}`
    return [{ route, effect, rule: ref, who, what: EVERYTHING, when: '' }]
  }
  return terms.filter(canHold).map((term) => ({
    route,
    effect,
    rule: ref,
    who: whoText(term, effect, route),
    what: textOf(term, WHAT) || EVERYTHING,
    when: textOf(term, WHEN),
  }))
}

/** Nobody can show not to have signed in: whoever has not might yet. */
function canHold(term: Term): boolean {
  return !term.some(({ kind, wanted }) => kind === 'sign_in' && !wanted)
}

const WHAT: ReadonlySet<Literal['kind']> = new Set(['request'])
const WHEN: ReadonlySet<Literal['kind']> = new Set([
  'time',
  'client_certificate',
  'stronger_sign_in',
])

function textOf(term: Term, kinds: ReadonlySet<Literal['kind']>): string {
  return term
    .filter(({ kind }) => kinds.has(kind))
    .map(({ text }) => text)
    .join(' and ')
}

function whoText(term: Term, effect: Rule['effect'], { provider }: Route): string {
  const literals = term.filter(({ kind }) => !WHAT.has(kind) && !WHEN.has(kind))
  const needsSignIn = literals.length > 0 || term.some(({ kind }) => kind === 'stronger_sign_in')
  if (!needsSignIn) return effect === 'allow' ? EVERYONE : 'everyone'
  const texts = literals.filter(({ kind }) => kind !== 'sign_in').map(({ text }) => text)
  const having = texts.filter((text) => !isNegative(text)).join(' and ') || SIGNED_IN
  const pinned = provider === undefined ? [] : [`with provider ${provider}`]
  return [having, ...texts.filter(isNegative), ...pinned].join(', ')
}

function isNegative(text: string): boolean {
  return text.startsWith('not ')
}

/** What one subject gets on a route. */
export interface OpenRow {
  readonly route: Route
  /** `depends`: on more than who asks, which `may` and `except` tell. */
  readonly outcome: Outcome | 'depends'
  readonly reason: Reason | undefined
  readonly rule: RuleRef | undefined
  /** Where it depends: each of these lets the subject in, */
  readonly may: readonly Way[]
  /** but none of these must hold. */
  readonly except: readonly Way[]
}

/** What of the request must be so that a rule holds; `everything` where nothing must. */
export interface Way {
  readonly text: string
  readonly rule: RuleRef
}

/** What `subject` may open on `route`, judged. @param path decoded, where it is known which is asked for */
export function whatCan(route: Route, subject: Subject, path: string | undefined): OpenRow {
  const facts = factsOfPath(path)
  const seenAs = subjectOnRoute(subject, route)
  const decision = createPartialPolicy(route.policy, tellByAsking).decide(facts, seenAs)
  if (route.reportOnly) {
    const { reason, rule } = decision ?? { reason: undefined, rule: undefined }
    return { route, outcome: 'allow', reason, rule, may: [], except: [] }
  }
  if (decision !== undefined) return { route, ...decision, may: [], except: [] }
  const known: Known = (part) => {
    const truth = ask(part, facts, seenAs, false)
    return truth === TRUE || truth === FALSE ? truth : undefined
  }
  const ways = (rules: readonly Rule[]) => rules.flatMap((rule) => waysOf(rule, known))
  const { allowRules, denyRules } = route.policy
  return {
    route,
    outcome: 'depends',
    reason: undefined,
    rule: undefined,
    may: ways(allowRules),
    except: ways(denyRules),
  }
}

function waysOf(rule: Rule, known: Known): readonly Way[] {
  const terms = termsOf(rule.body, true, known)
  if (terms === undefined) return [{ text: ruleText(rule), rule }]
  return terms.map((term) => ({
    text: term.map(({ text }) => text).join(' and ') || EVERYTHING,
    rule,
  }))
}
