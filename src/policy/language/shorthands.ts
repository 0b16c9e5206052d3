/** Route keys that are rules in short: `allow_*` and `allowed_*` make the rule `ROUTE.allow`, the preflight key `ROUTE.cors`. */

import type { YamlEntry, YamlMap, YamlNode } from '../../support/yaml-node.ts'
import { type AllowRule, type Criterion, TRUE } from '../compiled-policy.ts'
import { isEmpty } from '../route/route-values.ts'
import type { Around } from './compile-conditions.ts'
import { createAllowRule } from './compile-rules.ts'
import { criterionFrom } from './criteria.ts'
import { groups } from './criteria-groups.ts'
import { authenticatedUser, claim, domain, exactText } from './criteria-person.ts'
import { corsPreflight } from './criteria-request.ts'
import { type CriterionBody, type CriterionContext, personPart } from './criterion.ts'
import { foldAscii } from './fold.ts'
import { compileMatcher } from './matchers.ts'
import { operatorNode } from './operators.ts'

/** Keys that let people in, besides `policy`. */
export const ALLOW_SHORTHANDS = [
  'allow_public_unauthenticated_access',
  'allow_any_authenticated_user',
  'allowed_users',
  'allowed_domains',
  'allowed_groups',
  'allowed_idp_claims',
] as const

type Shorthand = (entry: YamlEntry, around: Around) => readonly Criterion[] | undefined

const SHORTHANDS: Readonly<Record<(typeof ALLOW_SHORTHANDS)[number], Shorthand>> = {
  allow_public_unauthenticated_access: flag(() => ({ parts: [], constant: TRUE })),
  allow_any_authenticated_user: flag((entry, context) => authenticatedUser(entry.value, context)),
  allowed_users: list(anyUser),
  allowed_domains: list(domain),
  allowed_groups: list(groups),
  allowed_idp_claims: anyClaim,
}

/**
 * The rules that the route's shorthands make, each `undefined` where there is none; `broken` where one cannot be read.
 * A flag that is `false` is no rule.
 */
export function compileShorthands(
  route: YamlMap,
  routeName: string,
  around: Around,
): { readonly allow?: AllowRule; readonly cors?: AllowRule; readonly broken: boolean } {
  const criteria: Criterion[] = []
  let first: YamlEntry | undefined
  let broken = false
  for (const entry of route.entries) {
    const shorthand = shorthandOf(entry.key)
    // A key without a value has been reported as such.
    if (shorthand === undefined || isEmpty(entry.value)) continue
    const compiled = shorthand(entry, around)
    if (compiled === undefined) broken = true
    else criteria.push(...compiled)
    if (compiled !== undefined && compiled.length > 0) first ??= entry
  }
  const cors = compileCors(route, routeName, around)
  if (cors === undefined) broken = true
  const rules = cors === null || cors === undefined ? {} : { cors }
  if (first === undefined) return { ...rules, broken }
  const at = first.keyAt
  const body = operatorNode('or', criteria, at)
  return {
    ...rules,
    allow: createAllowRule({ name: `${routeName}.allow`, at }, body, around),
    broken,
  }
}

function shorthandOf(key: string): Shorthand | undefined {
  const name = ALLOW_SHORTHANDS.find((shorthand) => shorthand === key)
  return name === undefined ? undefined : SHORTHANDS[name]
}

/** Null where the route has no such rule. */
function compileCors(
  route: YamlMap,
  routeName: string,
  around: Around,
): AllowRule | null | undefined {
  const entry = route.entries.find(({ key }) => key === 'cors_allow_preflight')
  if (entry === undefined || isEmpty(entry.value)) return null
  const compiled = flag((_, context) => corsPreflight(entry.value, context))(entry, around)
  if (compiled === undefined) return undefined
  const [criterion] = compiled
  if (criterion === undefined) return null
  return createAllowRule({ name: `${routeName}.cors`, at: entry.keyAt }, criterion, around)
}

function contextOf({ key, keyAt }: YamlEntry, around: Around): CriterionContext {
  return { ...around, key, keyAt, path: '' }
}

function flag(
  compile: (entry: YamlEntry, context: CriterionContext) => CriterionBody | undefined,
): Shorthand {
  return (entry, around) => {
    const { key, value } = entry
    if (value.kind !== 'scalar' || typeof value.value !== 'boolean') {
      return around.report(value.at, `\`${key}\` takes \`true\` or \`false\``)
    }
    if (!value.value) return []
    const body = compile(entry, contextOf(entry, around))
    return body === undefined ? undefined : [criterionFrom(body, entry)]
  }
}

function list(
  compile: (data: YamlNode, context: CriterionContext) => CriterionBody | undefined,
): Shorthand {
  return (entry, around) => {
    const { key, value } = entry
    if (value.kind !== 'list') {
      return around.report(value.at, `\`${key}\` takes a list, as in \`${key}: [a, b]\``)
    }
    const body = compile(value, contextOf(entry, around))
    return body && [criterionFrom(body, entry)]
  }
}

/** By e-mail or by sub. */
function anyUser(data: YamlNode, { report }: CriterionContext): CriterionBody | undefined {
  const kind = exactText('allowed_users')
  const [bySub] = compileMatcher(data, kind, report) ?? []
  const [byEmail] = compileMatcher(data, { ...kind, fold: foldAscii }, () => undefined) ?? []
  if (bySub === undefined || byEmail === undefined) return undefined
  const part = personPart(
    'user',
    'user',
    bySub,
    ({ sub, email }) =>
      bySub.holds(sub) || (email !== undefined && byEmail.holds(foldAscii(email))),
  )
  return { parts: [part] }
}

function anyClaim(entry: YamlEntry, around: Around): readonly Criterion[] | undefined {
  const { value } = entry
  if (value.kind !== 'map' || value.entries.length === 0) {
    const form =
      '`allowed_idp_claims` takes claims with their values, as in `{ department: [Docks] }`'
    return around.report(value.at, form)
  }
  const criteria = value.entries.map((one) => claimCriterion(one, around))
  const whole = criteria.filter((criterion) => criterion !== undefined)
  return whole.length === criteria.length ? whole : undefined
}

function claimCriterion({ key, keyAt, value }: YamlEntry, around: Around): Criterion | undefined {
  if (value.kind === 'map') {
    return around.report(
      value.at,
      `\`${key}\` takes a list of values; matchers stand in a \`policy\``,
    )
  }
  const name = `claim/${key}`
  const body = claim(value, { ...around, key: name, keyAt, path: key })
  return body && criterionFrom(body, { key: name, keyAt, value })
}
