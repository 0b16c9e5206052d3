/** What a policy is once compiled: a tree of closures over plain data, with the place and wording of each part. No logic. */

import type { Position, Problem } from '../support/problem.ts'
import type { Decision, Facts, RuleRef, Subject } from './model.ts'

export const FALSE = 0
export const TRUE = 1
export const UNKNOWN = 2

/** Kleene's three values, as small numbers because the hot path compares them. */
export type Truth = typeof FALSE | typeof TRUE | typeof UNKNOWN

/**
 * Judges one part of a policy. With `provedAgain` it answers as if a new sign-in had met every `acr`, `amr` and
 * `auth_age` key: each positive one true, each negative one false.
 * @throws MissingNowError where a time is asked for and `facts.now` is undefined
 */
export type Evaluate = (facts: Facts, subject: Subject, provedAgain: boolean) => Truth

/** What a need is about. `user` and `email` may name other people: not for everybody's eyes. */
export type NeedKind =
  | 'sign_in'
  | 'group'
  | 'claim'
  | 'domain'
  | 'email'
  | 'user'
  | 'provider'
  | 'stronger_sign_in'
  | 'request'
  | 'time'
  | 'client_certificate'

/** One thing that would have to be different, with a text that may be printed, as in `group platform-engineers`. */
export interface Need {
  readonly kind: NeedKind
  readonly text: string
}

/** One key of a criterion's matcher; all parts of a criterion must hold. */
export interface CriterionPart {
  readonly kind: NeedKind
  readonly evaluate: Evaluate
  /** What to have for this part to hold, or with false for it not to hold. */
  readonly describe: (wanted: boolean) => string
  /** What a new sign-in could be asked for so that the part holds, or so that it does not (`wanted` false). */
  readonly stepUp?: StepUp & { readonly wanted: boolean }
}

/** What a step-up asks the provider for. */
export interface StepUp {
  readonly acrValues: readonly string[]
  readonly maxAgeSeconds: number | undefined
}

/** Which groups one key of a criterion names. */
export interface GroupNaming {
  /** `not`, `not_in` or `exclude`. */
  readonly negative: boolean
  readonly exact: readonly string[]
  /** For keys that describe groups rather than list them, such as `starts_with`. */
  readonly describes: ((spelling: string) => boolean) | undefined
}

interface Judged {
  readonly at: Position
  readonly evaluate: Evaluate
  /** Its value where that is the same whatever is asked by whomever; else unknown. */
  readonly always: Truth
}

export interface Criterion extends Judged {
  readonly kind: 'criterion'
  /** As written in the file, on one line; cut where it is too long to be shown. */
  readonly text: string
  /** The same in full, so that two can be compared. */
  readonly written: string
  /** Empty where nothing could change its value: `accept` and `reject`. */
  readonly parts: readonly CriterionPart[]
  readonly groups: readonly GroupNaming[]
  /** How it reads the clock: `bare` is a day of the week without a time zone. */
  readonly clock: 'none' | 'bare' | 'zoned' | 'instant'
  /** Warnings that are in place where the criterion lets somebody in, because it takes more than it seems to. */
  readonly loose: readonly Problem[]
}

export type OperatorName = 'and' | 'or' | 'not' | 'nor'

export interface Operator extends Judged {
  readonly kind: 'operator'
  readonly operator: OperatorName
  readonly items: readonly PolicyNode[]
}

/** A named condition where it is used. The body is the same object at every use. */
export interface Use extends Judged {
  readonly kind: 'use'
  readonly name: string
  readonly body: PolicyNode
}

export type PolicyNode = Criterion | Operator | Use

/** The decisions that name a deny rule, made once at load. */
export interface DenyDecisions {
  /** `denied-by-rule`. */
  readonly holds: Decision
}

/** The decisions that name an allow rule, made once at load. */
export interface AllowDecisions {
  /** `allowed`. */
  readonly holds: Decision
  readonly nothingAllowed: Decision
  readonly stepUp: Decision
  readonly stepUpFailed: Decision
  readonly stepUpFailedUnavailable: Decision
}

/** What a rule's criteria have in common, found once at load. */
export interface RuleFacets {
  /** Ids and names of groups that it lists. */
  readonly groups: readonly string[]
  /** For keys that describe groups rather than list them. */
  readonly describesGroup: readonly ((spelling: string) => boolean)[]
  readonly needsGroups: boolean
  readonly asksForProof: boolean
  /** What a new sign-in could be asked for so that the rule lets somebody in, or no longer keeps them out. */
  readonly stepUps: readonly StepUp[]
  /** What its parts are about. */
  readonly kinds: readonly NeedKind[]
}

interface RuleParts extends RuleRef {
  /** Where the rule begins that this `allow` or `deny` is part of; the same for both of them. */
  readonly ruleAt: Position
  readonly body: PolicyNode
  readonly evaluate: Evaluate
  readonly facets: RuleFacets
}

export interface AllowRule extends RuleParts {
  readonly effect: 'allow'
  readonly decisions: AllowDecisions
}

export interface DenyRule extends RuleParts {
  readonly effect: 'deny'
  readonly decisions: DenyDecisions
}

export type Rule = AllowRule | DenyRule

export interface CompiledPolicy {
  /** In the order in which they are looked at: `ROUTE.cors`, the policy's own, `ROUTE.allow`. */
  readonly rules: readonly Rule[]
  readonly allowRules: readonly AllowRule[]
  readonly denyRules: readonly DenyRule[]
  /** The refusal where nothing allowed and nothing denied. */
  readonly refusal: Decision
  /** Whether any rule asks for groups: without it, nobody has to wait for the directory. */
  readonly needsGroups: boolean
  /** Whether the second judgement can differ from the first: some rule has an `acr`, `amr` or `auth_age` key. */
  readonly asksForProof: boolean
  /** What to ask the provider for at a step-up. */
  readonly stepUp: StepUp
  /** Whether a rule names the group of this id or name, by a positive key or a negative one. */
  namesGroup(spelling: string): boolean
}
