/** What is allowed but hardly meant: seen from a route's whole policy, without asking anyone. */

import { type Position, type Problem, warning } from '../../support/problem.ts'
import {
  type Criterion,
  FALSE,
  type Operator,
  type PolicyNode,
  type Rule,
  TRUE,
} from '../compiled-policy.ts'
import type { Route } from '../route.ts'
import { isCut } from './flow-text.ts'
import { foldAscii } from './fold.ts'
import { type GroupSpellings, unknownSpellings } from './group-spellings.ts'

/** So many comparisons are made for one route; where they do not suffice, nothing is said. */
const MAX_STEPS = 2_000

/** What policies need to know of a provider of the config. */
export interface ProviderFacts {
  /** E-mail domains that keep its people apart from those of other providers. */
  readonly emailDomains?: readonly string[] | undefined
  /** What its groups claim holds; `both` where a directory tells the other half. */
  readonly groupSpellings?: GroupSpellings | undefined
}

export type Providers = ReadonlyMap<string, ProviderFacts>

/** What is remarkable about the policy of `route`, and what of it the providers make an error; `providers` where there is a config. */
export function policyWarnings(route: Route, providers: Providers | undefined): readonly Problem[] {
  const { allowRules, denyRules } = route.policy
  const warnings: Problem[] = []
  const [firstDeny] = denyRules
  if (allowRules.length === 0 && firstDeny !== undefined) {
    const message = `route \`${route.name}\` has only deny rules: nobody is let in`
    warnings.push(warning(firstDeny.at, message))
  }
  const open = allowRules.find(({ body }) => body.always === TRUE)
  if (open !== undefined && denyRules.every(({ body }) => body.always === FALSE)) {
    const message = `route \`${route.name}\` is open to everyone, without a sign-in`
    warnings.push(warning(open.at, message))
  }
  if (route.reportOnly) {
    const message = `route \`${route.name}\` only reports: everyone is let through, whatever its policy says`
    warnings.push(warning(route.at, message))
  }
  return [
    ...warnings,
    ...coveredAllows(allowRules, denyRules),
    ...(providers === undefined ? [] : confusedPeople(route, providers)),
    ...(providers === undefined ? [] : unknownSpellings(route, providers)),
  ]
}

/** Two providers may give one sub or one e-mail to two people. */
function confusedPeople(route: Route, providers: Providers): readonly Problem[] {
  const { provider, bearer } = route
  const isFixed = provider !== undefined && (bearer?.provider ?? provider) === provider
  if (providers.size < 2 || isFixed) return []
  const emailsAreApart = domainsAreApart([...providers.values()])
  return route.policy.rules.flatMap(({ at, name, body, facets: { kinds } }) => {
    const byEmail = !emailsAreApart && (kinds.includes('email') || kinds.includes('domain'))
    if (!(kinds.includes('user') || byEmail) || namesProvider(body)) return []
    const what = kinds.includes('user') ? 'subs' : 'e-mails'
    const message =
      `rule \`${name}\` compares ${what}, which two providers may give to two people; ` +
      'fix `provider` at the route or in the rule'
    return [warning(at, message)]
  })
}

/** Whether the body holds for nobody without a look at their provider. */
function namesProvider(body: PolicyNode): boolean {
  const node = written(body)
  if (node.kind === 'criterion') return node.parts.some(({ kind }) => kind === 'provider')
  if (node.operator === 'or') return node.items.every(namesProvider)
  return node.operator === 'and' && node.items.some(namesProvider)
}

function domainsAreApart(providers: readonly ProviderFacts[]): boolean {
  const all = providers.flatMap(({ emailDomains = [] }) => emailDomains.map(foldAscii))
  const everyoneHasSome = providers.every(({ emailDomains = [] }) => emailDomains.length > 0)
  return everyoneHasSome && new Set(all).size === all.length
}

function coveredAllows(
  allowRules: readonly Rule[],
  denyRules: readonly Rule[],
): readonly Problem[] {
  const covers = createCovering()
  return allowRules.flatMap((allow) => {
    const deny = denyRules.find(({ body }) => covers(allow.body, body))
    if (deny === undefined) return []
    return [
      warning(
        allow.at,
        `whomever this lets in, the deny rule \`${deny.name}\` (${place(deny.at)}) keeps out`,
      ),
    ]
  })
}

function place({ file, line }: Position): string {
  return `${file}:${line}`
}

/** Whether `inner` holding makes `outer` hold, as far as it can be seen from how they are written. */
function createCovering(): (inner: PolicyNode, outer: PolicyNode) => boolean {
  let steps = MAX_STEPS
  const covers = (one: PolicyNode, other: PolicyNode): boolean => {
    if (--steps < 0) return false
    const inner = written(one)
    const outer = written(other)
    if (outer.always === TRUE || isSame(inner, outer)) return true
    return coversParts(inner, outer) || coveredByParts(inner, outer)
  }
  const coversParts = (inner: Written, outer: Written): boolean => {
    if (inner.kind !== 'operator') return false
    const isCovered = (item: PolicyNode): boolean => covers(item, outer)
    if (inner.operator === 'or') return inner.items.every(isCovered)
    return inner.operator === 'and' && inner.items.some(isCovered)
  }
  const coveredByParts = (inner: Written, outer: Written): boolean => {
    if (outer.kind !== 'operator') return false
    const coversInner = (item: PolicyNode): boolean => covers(inner, item)
    if (outer.operator === 'or') return outer.items.some(coversInner)
    return outer.operator === 'and' && outer.items.every(coversInner)
  }
  const isSame = (inner: Written, outer: Written): boolean => {
    if (inner === outer) return true
    if (--steps < 0) return false
    if (inner.kind === 'criterion') {
      return outer.kind === 'criterion' && inner.text === outer.text && !isCut(inner.text)
    }
    if (outer.kind !== 'operator' || inner.operator !== outer.operator) return false
    if (inner.items.length !== outer.items.length) return false
    return inner.items.every((item, i) => isSame(written(item), written(outer.items[i] ?? item)))
  }
  return covers
}

type Written = Criterion | Operator

/** The condition itself in place of its use. */
function written(node: PolicyNode): Written {
  return node.kind === 'use' ? written(node.body) : node
}
