/** What a criterion is made of: the parts that hold or not, and how matcher keys become parts. */

import type { Position, Problem } from '../../support/problem.ts'
import type { YamlNode } from '../../support/yaml-node.ts'
import {
  type CriterionPart,
  type Evaluate,
  FALSE,
  type GroupNaming,
  type NeedKind,
  type StepUp,
  TRUE,
  type Truth,
  UNKNOWN,
} from '../compiled-policy.ts'
import type { Person } from '../model.ts'
import type { MatcherKey, Report } from './matchers.ts'
import type { ZoneOffset } from './time-zone.ts'

/** Where a criterion is written, and what it may ask for while it is compiled. */
export interface CriterionContext {
  /** As written, such as `claim/department`. */
  readonly key: string
  readonly keyAt: Position
  /** What stands behind the first slash of the key. */
  readonly path: string
  readonly report: Report
  readonly warn: Report
  /** One offset function for each zone of a set of policies. */
  readonly zone: (name: string) => ZoneOffset | undefined
  /** Names of the config's providers; `undefined` where there is no config to ask. */
  readonly providers: ReadonlySet<string> | undefined
}

/** A compiled criterion without its wording. */
export interface CriterionBody {
  readonly parts: readonly CriterionPart[]
  /** For `accept` and `reject`, which have no parts. */
  readonly constant?: Truth
  readonly groups?: readonly GroupNaming[]
  readonly clock?: 'bare' | 'zoned' | 'instant'
  readonly loose?: readonly Problem[]
}

/** Compiles the data behind a criterion's key; `undefined`, with what is wrong reported, where it means nothing. */
export type CriterionCompiler = (
  data: YamlNode,
  context: CriterionContext,
) => CriterionBody | undefined

/** True becomes false and the reverse; unknown stays unknown. */
export function negate(truth: Truth): Truth {
  if (truth === UNKNOWN) return UNKNOWN
  return truth === TRUE ? FALSE : TRUE
}

/** A part that asks about a person: unknown while nobody is known, whatever is asked. */
export function personPart(
  kind: NeedKind,
  noun: string,
  key: MatcherKey,
  twin: (person: Person) => boolean,
): CriterionPart {
  const { negative } = key
  const evaluate: Evaluate = (_facts, subject) => {
    if (subject.kind === 'anonymous') return UNKNOWN
    return twin(subject) === negative ? FALSE : TRUE
  }
  return { kind, evaluate, describe: describeKey(noun, key) }
}

/** A part that asks what a new sign-in could change: in the second judgement it is met. */
export function proofPart(
  noun: string,
  key: MatcherKey,
  twin: (person: Person) => boolean,
  stepUp: StepUp,
): CriterionPart {
  const asThingsAre = personPart('stronger_sign_in', noun, key, twin)
  const met = key.negative ? FALSE : TRUE
  return {
    ...asThingsAre,
    evaluate: (facts, subject, provedAgain) =>
      provedAgain && subject.kind === 'person'
        ? met
        : asThingsAre.evaluate(facts, subject, provedAgain),
    stepUp: { ...stepUp, wanted: !key.negative },
  }
}

/** A part that asks about the request: never unknown. */
export function requestPart(
  kind: NeedKind,
  noun: string,
  key: MatcherKey,
  twin: (facts: Parameters<Evaluate>[0]) => boolean,
): CriterionPart {
  const { negative } = key
  return {
    kind,
    evaluate: (facts) => (twin(facts) === negative ? FALSE : TRUE),
    describe: describeKey(noun, key),
  }
}

/** `group a`, `not group a`, `group that starts with a`. */
export function describeKey(noun: string, key: MatcherKey): (wanted: boolean) => string {
  return (wanted) => {
    const only = key.only ? ' and no other' : ''
    const text = `${noun} ${key.phrase}${only}`
    return wanted === key.negative ? `not ${text}` : text
  }
}
