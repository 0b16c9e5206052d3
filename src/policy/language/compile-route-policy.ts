/** A route's policy and its shorthands as one compiled policy. */

import { exact } from '../../support/exact.ts'
import type { YamlMap } from '../../support/yaml-node.ts'
import type { AllowRule, CompiledPolicy, DenyRule, Rule, StepUp } from '../compiled-policy.ts'
import type { Decision } from '../model.ts'
import { isEmpty } from '../route/route-values.ts'
import type { Around } from './compile-conditions.ts'
import type { RuleCompiler } from './compile-rules.ts'
import { ALLOW_SHORTHANDS, compileShorthands } from './shorthands.ts'

const NO_POLICY: Decision = { outcome: 'deny', reason: 'no-policy', rule: undefined }
const NOTHING_TO_ALLOW: Decision = { outcome: 'deny', reason: 'no-allow-rule', rule: undefined }

/** The policy of the route called `name`; `undefined` where anything in it is wrong, which has been reported. */
export function compileRoutePolicy(
  route: YamlMap,
  name: string,
  around: Around & { readonly rules: RuleCompiler },
): CompiledPolicy | undefined {
  const policyEntry = route.entries.find(({ key }) => key === 'policy')
  // A key without a value has been reported as such.
  const own =
    policyEntry === undefined || isEmpty(policyEntry.value)
      ? { rules: [] }
      : around.rules.ownRules(policyEntry.value, name)
  const shorthands = compileShorthands(route, name, around)
  const isContradicted = reportPublicBesideOthers(route, around)
  warnOfNarrowerKeys(route, around)
  if (own === undefined || shorthands.broken || isContradicted) return undefined
  const { allow, cors } = shorthands
  return policyOf(
    [...(cors === undefined ? [] : [cors]), ...own.rules, ...(allow === undefined ? [] : [allow])],
    cors,
  )
}

function isTrue(route: YamlMap, key: string): boolean {
  const value = route.entries.find((entry) => entry.key === key)?.value
  return value?.kind === 'scalar' && value.value === true
}

const NARROWER: readonly string[] = ALLOW_SHORTHANDS.filter((key) => key.startsWith('allowed_'))

/** Keys that let in some of those whom another lets in already. */
function warnOfNarrowerKeys(route: YamlMap, { warn }: Around): void {
  if (!isTrue(route, 'allow_any_authenticated_user')) return
  for (const { key, keyAt } of route.entries) {
    if (!NARROWER.includes(key)) continue
    const message = `\`${key}\` means nothing beside \`allow_any_authenticated_user: true\`, which lets in all who sign in`
    warn(keyAt, message)
  }
}

/** A route is open to all, or it has rules: both at once means that one of them is a mistake. */
function reportPublicBesideOthers(route: YamlMap, { report }: Around): boolean {
  if (!isTrue(route, 'allow_public_unauthenticated_access')) return false
  const other = route.entries.find(
    ({ key, value }) =>
      key === 'policy' ||
      (key !== 'allow_public_unauthenticated_access' &&
        (ALLOW_SHORTHANDS as readonly string[]).includes(key) &&
        !(value.kind === 'scalar' && value.value === false)),
  )
  if (other === undefined) return false
  report(
    other.keyAt,
    `\`${other.key}\` beside \`allow_public_unauthenticated_access: true\`, which lets everyone in; drop one of them`,
  )
  return true
}

/** `cors` is one of `rules`; it lets preflights in, but it is no policy for any other request. */
function policyOf(rules: readonly Rule[], cors: Rule | undefined): CompiledPolicy {
  const allowRules = rules.filter((rule): rule is AllowRule => rule.effect === 'allow')
  const denyRules = rules.filter((rule): rule is DenyRule => rule.effect === 'deny')
  const firstAllow = allowRules.find((rule) => rule !== cors)
  const hasPolicy = firstAllow !== undefined || denyRules.length > 0
  return {
    denyRules: exact(denyRules),
    allowRules: exact(allowRules),
    refusal: firstAllow?.decisions.nothingAllowed ?? (hasPolicy ? NOTHING_TO_ALLOW : NO_POLICY),
    asksForProof: rules.some(({ facets }) => facets.asksForProof),
    needsGroups: rules.some(({ facets }) => facets.needsGroups),
    rules: exact(rules),
    stepUp: joinStepUps(rules.flatMap(({ facets }) => facets.stepUps)),
    namesGroup: createNaming(rules),
  }
}

function createNaming(rules: readonly Rule[]): CompiledPolicy['namesGroup'] {
  // Made when it is first asked for: most routes of a large set are never asked.
  let listed: ReadonlySet<string> | undefined
  return (spelling) => {
    listed ??= new Set(rules.flatMap(({ facets }) => facets.groups))
    if (listed.has(spelling)) return true
    return rules.some(({ facets }) => facets.describesGroup.some((holds) => holds(spelling)))
  }
}

const NOTHING_ASKED: StepUp = { acrValues: [], maxAgeSeconds: undefined }

/** All that is asked for, at once: every acr that is named, in the policy's order, and the least age. */
function joinStepUps(all: readonly StepUp[]): StepUp {
  if (all.length === 0) return NOTHING_ASKED
  const ages = all.flatMap(({ maxAgeSeconds }) => maxAgeSeconds ?? [])
  return {
    acrValues: [...new Set(all.flatMap(({ acrValues }) => acrValues))],
    maxAgeSeconds: ages.length === 0 ? undefined : Math.min(...ages),
  }
}
