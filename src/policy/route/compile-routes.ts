/** One route of a policy file: every key checked, every mistake reported, then a Route. */

import type { PathMatch } from '../../routing/route-table.ts'
import { didYouMean } from '../../support/suggest.ts'
import type { YamlMap, YamlNode } from '../../support/yaml-node.ts'
import type { Around } from '../language/compile-conditions.ts'
import { compileRoutePolicy } from '../language/compile-route-policy.ts'
import type { RuleCompiler } from '../language/compile-rules.ts'
import { compilePattern } from '../language/matchers.ts'
import type { Route } from '../route.ts'
import { type PublicAddress, readFrom } from './route-address.ts'
import { readOwnAnswer } from './route-answers.ts'
import { readBearer } from './route-bearer.ts'
import { readHeaders } from './route-headers.ts'
import { refuseRouteKey } from './route-keys.ts'
import { readRewrites } from './route-rewrites.ts'
import { readSettings } from './route-settings.ts'
import { readTargets } from './route-targets.ts'
import { readTls } from './route-tls.ts'
import { entriesOf, isEmpty, type RouteEntries, readText } from './route-values.ts'

/** What a route may ask for beside its own text. */
export interface RouteSurroundings extends Around {
  readonly rules: RuleCompiler
  readonly allowHttp: boolean
  /** @throws where the file cannot be read */
  readonly readText: (absolutePath: string) => string
}

/** The route; `undefined` where anything in it is wrong, which has been reported. */
export function compileRoute(node: YamlNode, around: RouteSurroundings): Route | undefined {
  const { report } = around
  if (node.kind !== 'map') return report(node.at, 'a route is a mapping with `from` and `to`')
  const keysAreFine = checkKeys(node, around)
  const entries = entriesOf(node)
  const from = readAddress(entries, node, around)
  const path = readPath(entries, around)
  const written = readName(entries, around)
  const name = written ?? derivedName(from, path)
  const policy = compileRoutePolicy(node, name, around)
  const settings = readSettings(entries, around)
  const to = readTargets(entries, around)
  const paths = {
    match: path?.match,
    keepEncodedSlashes: settings?.keepEncodedSlashes === true,
    secure: from?.secure === true,
  }
  const rewrites = readRewrites(entries, paths, around)
  const ownAnswer = readOwnAnswer(entries, paths, around)
  const headers = readHeaders(entries, around)
  const tls = readTls(entries, around)
  const provider = readProvider(entries, around)
  const bearer = readBearer(entries, around)
  const broken =
    !keysAreFine ||
    from === undefined ||
    path === undefined ||
    written === undefined ||
    policy === undefined ||
    settings === undefined ||
    to === undefined ||
    rewrites === undefined ||
    ownAnswer === undefined ||
    headers === undefined ||
    tls === undefined ||
    provider === undefined ||
    bearer === undefined
  if (broken) return undefined
  // What every request asks for comes first: it then lies side by side, in the object itself.
  return {
    policy,
    name,
    isNamed: written !== null,
    at: node.at,
    match: { host: from.host, path: path.match },
    origin: from.origin,
    secure: from.secure,
    to: to ?? undefined,
    ownAnswer: ownAnswer ?? undefined,
    tls,
    provider: provider ?? undefined,
    bearer: bearer ?? undefined,
    ...settings,
    ...rewrites,
    ...headers,
  }
}

function checkKeys(route: YamlMap, { report }: Around): boolean {
  let fine = true
  for (const { key, keyAt, value } of route.entries) {
    const refusal = refuseRouteKey(key)
    if (refusal === undefined && !isEmpty(value)) continue
    fine = false
    report(keyAt, refusal ?? `\`${key}\` has no value; write one, or leave the key out`)
  }
  return fine
}

function readName(entries: RouteEntries, { report }: Around): string | null | undefined {
  const name = readText(entries, 'name', report)
  const at = entries.get('name')?.value.at
  if (typeof name !== 'string' || at === undefined) return name
  if (name.length > 200) return report(at, '`name` is at most 200 characters')
  if (/[\p{Cc}\p{Cf}]/u.test(name)) return report(at, '`name` holds characters that do not show')
  return name
}

function derivedName(from: PublicAddress | undefined, path: RoutePath | undefined): string {
  const suffix = path === undefined || path.text === '/' ? '' : path.text
  return `${from?.hostText ?? 'route'}${suffix}`
}

function readAddress(
  entries: RouteEntries,
  route: YamlMap,
  { report, allowHttp }: RouteSurroundings,
): PublicAddress | undefined {
  const text = readText(entries, 'from', report)
  const at = entries.get('from')?.value.at
  if (text === null || at === undefined) {
    return report(route.at, 'a route needs `from`, as in `from: https://app.example.com`')
  }
  if (text === undefined) return undefined
  const address = readFrom(text)
  if (typeof address === 'string') return report(at, address)
  if (!address.secure && !address.loopback && !allowHttp) {
    return report(
      at,
      'plain http beyond loopback lets anyone on the way take over sessions; write `https://`, ' +
        'or set `server.allow_http: true`',
    )
  }
  return address
}

interface RoutePath {
  readonly match: PathMatch
  /** As written. */
  readonly text: string
}

const PATH_KEYS = ['prefix', 'path', 'regex'] as const

function readPath(entries: RouteEntries, { report }: Around): RoutePath | undefined {
  const written = PATH_KEYS.filter((key) => entries.get(key) !== undefined)
  const [key, second] = written
  if (key === undefined) return { match: { kind: 'prefix', prefix: '/' }, text: '/' }
  const other = second === undefined ? undefined : entries.get(second)
  if (second !== undefined && other !== undefined) {
    return report(
      other.keyAt,
      `a route has one of \`prefix\`, \`path\` and \`regex\`; drop \`${second}\` or \`${key}\``,
    )
  }
  const text = readText(entries, key, report)
  const at = entries.get(key)?.value.at
  if (typeof text !== 'string' || at === undefined) return undefined
  if (key === 'regex') {
    const regex = compilePattern(text, false, at, report)
    return regex && { match: { kind: 'regex', regex, source: text }, text }
  }
  if (!text.startsWith('/')) return report(at, `\`${key}\` begins with a slash: \`/${text}\``)
  if (text.startsWith('/.gatehouse/')) {
    return report(at, 'what is below `/.gatehouse/` is answered by Gatehouse; no route can take it')
  }
  if (/\/\/|\/\.\.?(?:\/|$)/.test(text)) {
    return report(
      at,
      `\`${key}\` is never met: paths are read without \`//\`, \`/./\` and \`/../\`; leave them out`,
    )
  }
  return key === 'prefix'
    ? { match: { kind: 'prefix', prefix: text }, text }
    : { match: { kind: 'path', path: text }, text }
}

function readProvider(
  entries: RouteEntries,
  { report, providers }: RouteSurroundings,
): string | null | undefined {
  const name = readText(entries, 'provider', report)
  const at = entries.get('provider')?.value.at
  if (typeof name !== 'string' || at === undefined || providers === undefined) return name
  if (providers.has(name)) return name
  return report(at, `the config has no provider \`${name}\`${didYouMean(name, providers)}`)
}
