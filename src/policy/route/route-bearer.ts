/** `bearer` of a route: whose access tokens are admitted there, and for which audiences. */

import { didYouMean } from '../../support/suggest.ts'
import type { YamlNode } from '../../support/yaml-node.ts'
import type { Report } from '../language/matchers.ts'
import type { RouteBearer } from '../route.ts'
import { entriesInside, type RouteEntries, readFlag, readText } from './route-values.ts'

const KEYS = ['provider', 'audience', 'forward'] as const

interface Surroundings {
  readonly report: Report
  /** `undefined`: without a config any provider is taken. */
  readonly providers: ReadonlySet<string> | undefined
}

/** Null where the key is not written. */
export function readBearer(
  entries: RouteEntries,
  { report, providers }: Surroundings,
): RouteBearer | null | undefined {
  const entry = entries.get('bearer')
  if (entry === undefined) return null
  const inside = entriesInside(entry, KEYS, report)
  if (inside === undefined) return undefined
  const provider = readText(inside, 'provider', report)
  const audiences = readAudiences(inside.get('audience')?.value, report)
  const forward = readFlag(inside, 'forward', false, report)
  if (provider === null) {
    report(entry.value.at, '`bearer` needs `provider`: whose access tokens are admitted')
  }
  if (audiences === null) {
    report(
      entry.value.at,
      '`bearer` needs `audience`: without it a token that was made for another service would pass',
    )
  }
  const at = inside.get('provider')?.value.at
  if (typeof provider !== 'string' || at === undefined) return undefined
  if (providers !== undefined && !providers.has(provider)) {
    const hint = didYouMean(provider, providers)
    return report(at, `the config has no provider \`${provider}\`${hint}`)
  }
  if (audiences === null || audiences === undefined || forward === undefined) return undefined
  return { provider, audiences, forward, at: entry.value.at }
}

/** A text, or a list of texts; null where the key is not written. */
function readAudiences(
  value: YamlNode | undefined,
  report: Report,
): readonly string[] | null | undefined {
  if (value === undefined) return null
  const items = value.kind === 'list' ? value.items : [value]
  if (items.length === 0) return report(value.at, '`audience` is empty; name an audience')
  const audiences = items.flatMap((item) => {
    const text = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : ''
    if (text !== '') return text
    return report(item.at, '`audience` takes texts, as in `audience: [api://default]`') ?? []
  })
  return audiences.length === items.length ? [...new Set(audiences)] : undefined
}
