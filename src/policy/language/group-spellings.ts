/** Groups that are written as no provider of the route knows them: by id against names, or by name against ids. */

import { error, type Position, type Problem, warning } from '../../support/problem.ts'
import type { Criterion } from '../compiled-policy.ts'
import type { Route } from '../route.ts'
import type { Providers } from './policy-warnings.ts'
import { visit } from './rule-facets.ts'

export type GroupSpellings = 'names' | 'ids' | 'both'

/** Okta's ids of groups begin so. */
const GROUP_ID = /^00g[A-Za-z0-9]+$/

/**
 * For people of such a provider the group is never found. Where that lets them in, as under deny, it is an error;
 * elsewhere it keeps them out and is worth a warning.
 */
export function unknownSpellings(route: Route, providers: Providers): readonly Problem[] {
  const { policy } = route
  if (!policy.needsGroups) return []
  const known = servingProviders(route, providers)
  if (known.length === 0) return []
  const problems: Problem[] = []
  for (const rule of policy.rules) {
    visit(rule.body, true, (criterion, isPositive) => {
      problems.push(...inCriterion(criterion, rule.effect === 'allow' && isPositive, known))
    })
  }
  return problems
}

interface OneSpelling {
  readonly provider: string
  readonly spellings: 'names' | 'ids'
}

/** Providers whose people the route can meet and who know groups in one way only. */
function servingProviders(
  { provider, bearer }: Route,
  providers: Providers,
): readonly OneSpelling[] {
  return [...providers].flatMap(([name, { groupSpellings = 'both' }]) => {
    const serves = provider === undefined || provider === name || bearer?.provider === name
    return serves && groupSpellings !== 'both'
      ? [{ provider: name, spellings: groupSpellings }]
      : []
  })
}

function inCriterion(
  { at, groups }: Criterion,
  letsIn: boolean,
  providers: readonly OneSpelling[],
): readonly Problem[] {
  return groups.flatMap(({ exact, negative }) =>
    exact.flatMap((group) => {
      const isId = GROUP_ID.test(group)
      const unaware = providers.find(({ spellings }) => (spellings === 'ids') !== isId)
      if (unaware === undefined) return []
      return [problemAt(at, group, isId, letsIn && !negative, unaware.provider)]
    }),
  )
}

function problemAt(
  at: Position,
  group: string,
  isId: boolean,
  keepsOut: boolean,
  provider: string,
): Problem {
  const [written, other] = isId ? ['an id', 'name'] : ['a name', 'id']
  const never =
    `\`${group}\` is ${written} of a group, and provider \`${provider}\` knows groups by ${other} alone: ` +
    'for its people this never holds'
  const instead = `write the ${other}, or give the provider a \`directory\``
  return keepsOut
    ? warning(at, `${never}; ${instead}`)
    : error(at, `${never}, which lets in whom it should keep out; ${instead}`)
}
