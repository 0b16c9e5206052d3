/** One route of a Pomerium file. */

import { readFrom } from '../../policy/route/route-address.ts'
import { refuseRouteKey } from '../../policy/route/route-keys.ts'
import {
  COMMENT_OUT,
  COMMENT_OUT_ROUTE,
  type DraftEntry,
  type DraftPart,
  entry,
  inlineMap,
  map,
  part,
} from './draft.ts'
import { durationText, goDurationMs } from './go-duration.ts'
import type { Notes } from './notes.ts'
import { translateAccess } from './pomerium-access.ts'
import { translateHeaders } from './pomerium-headers.ts'
import { type RoutePlace, translatePlace } from './pomerium-place.ts'
import { translateUpstream } from './pomerium-upstream.ts'
import type { Setting, Settings, Typed } from './settings.ts'

/** What the file says for all of its routes. */
export interface RouteDefaults {
  readonly notes: Notes
  readonly places: readonly RoutePlace[]
  readonly passIdentityHeaders: boolean
  readonly timeout: Typed<string> | undefined
  readonly responseHeaders: Setting | undefined
  readonly needsCertificate: boolean
  /** The provider for a route with a client of its own. */
  providerFor(client: Typed<string>, secret: Setting | undefined): string
}

/** The route as an item of `routes`. Where it cannot be written, its place is kept and nobody is let in there. */
export function translateRoute(
  route: Settings,
  name: string,
  place: RoutePlace,
  defaults: RouteDefaults,
  subject: string,
): DraftPart {
  const { notes } = defaults
  route.take('name')
  const origin = { at: route.at, subject }
  const where = [entry('name', name), ...translatePlace(route, place, defaults.places)]
  const access = translateAccess(route, defaults)
  const shown = texts(route, ['description', 'logo_url'])
  const entries: DraftEntry[] = [
    ...where.slice(0, 1),
    ...shown,
    ...where.slice(1),
    ...translateUpstream(route, place.kind === 'prefix' ? place.text : undefined),
    ...texts(route, ['host_rewrite']),
    ...flags(route, ['preserve_host_header']),
    ...translateHeaders(route, defaults.responseHeaders, notes),
    ...identity(route, defaults),
    ...streams(route, defaults),
    ...upstreamTls(route),
    ...balancing(route),
    ...provider(route, defaults),
    ...access.entries,
  ]
  const comments = [...access.comments, ...route.rest().map((one) => leftOut(route, one))]
  const notHttp = whyNotHttp(where)
  if (notHttp !== undefined) {
    const comment = notes.add('left-out', route.at, subject, `${notHttp}; the route is left out`)
    return part(map(where), { origin, gap: true, off: true, comments: [comment, ...comments] })
  }
  const placeAlone = {
    kind: 'instead',
    value: map(where),
    why: 'only its place is kept, where nobody is let in',
  } as const
  const fallbacks = [placeAlone, COMMENT_OUT_ROUTE]
  return part(map(entries), { origin, gap: true, comments, fallbacks })
}

/** Why there is nothing to keep a place for: no browser and no client of HTTP ever comes to it. */
function whyNotHttp(where: readonly DraftEntry[]): string | undefined {
  const from = where.find(({ key }) => key === 'from')?.value
  if (from?.kind !== 'scalar') return 'it has no `from`'
  const text = String(from.value)
  if (!/^(tcp|udp|ssh)(\+https?)?:/i.test(text)) return undefined
  const why = readFrom(text)
  return typeof why === 'string' ? why : undefined
}

function leftOut(route: Settings, setting: Setting): string {
  const key = setting.subject.slice(setting.subject.lastIndexOf('.') + 1)
  const why =
    refuseRouteKey(key.toLowerCase()) ?? 'is written twice, or in a form that is not known'
  return route.note('left-out', setting, why)
}

function texts(route: Settings, keys: readonly string[]): readonly DraftEntry[] {
  return keys.flatMap((key) => {
    const text = route.text(key)
    return text === undefined
      ? []
      : [entry(key, text.value, { origin: text, fallbacks: [COMMENT_OUT] })]
  })
}

function flags(route: Settings, keys: readonly string[]): readonly DraftEntry[] {
  return keys.flatMap((key) => {
    const flag = route.flag(key)
    return flag === undefined
      ? []
      : [entry(key, flag.value, { origin: flag, fallbacks: [COMMENT_OUT] })]
  })
}

function identity(route: Settings, { passIdentityHeaders }: RouteDefaults): readonly DraftEntry[] {
  const own = route.flag('pass_identity_headers')
  const passes = own?.value ?? passIdentityHeaders
  // Ours is true unless it is written, Pomerium's false.
  return own === undefined && passes ? [] : [entry('pass_identity_headers', passes)]
}

function streams(route: Settings, defaults: RouteDefaults): readonly DraftEntry[] {
  const webSockets = route.flag('allow_websockets')
  const entries: DraftEntry[] = []
  const isOpen = webSockets?.value === true
  if (webSockets !== undefined) {
    const message =
      'one from a page of another origin is refused unless `websocket_origins` lists it'
    const comments = isOpen ? [route.note('differs', webSockets, message)] : []
    entries.push(entry('allow_websockets', webSockets.value, { origin: webSockets, comments }))
  }
  for (const key of ['timeout', 'idle_timeout'] as const) {
    const own = route.text(key)
    const inherited = key === 'timeout' && !isOpen ? defaults.timeout : undefined
    const written = own ?? inherited
    if (written !== undefined) entries.push(...duration(route, key, written))
    // Pomerium has no limits on a route with WebSockets that names none.
    else if (isOpen) entries.push(entry(key, '0s'))
  }
  return entries
}

function duration(route: Settings, key: string, text: Typed<string>): readonly DraftEntry[] {
  const ms = goDurationMs(text.value)
  const origin = { at: text.at, subject: text.subject }
  if (ms !== undefined) {
    return [entry(key, durationText(ms), { origin, fallbacks: [COMMENT_OUT] })]
  }
  route.note('left-out', text, 'is no duration')
  return []
}

const TLS_FILES = ['tls_custom_ca_file', 'tls_client_cert_file', 'tls_client_key_file']

function upstreamTls(route: Settings): readonly DraftEntry[] {
  const entries = [...flags(route, ['tls_skip_verify'])]
  const upstreamName = route.text('tls_upstream_server_name')
  const name = upstreamName ?? route.text('tls_server_name')
  if (name !== undefined) {
    entries.push(entry('tls_server_name', name.value, { origin: name, fallbacks: [COMMENT_OUT] }))
  }
  for (const key of TLS_FILES) {
    const file = route.text(key)
    if (file === undefined) continue
    const isRelative = !file.value.startsWith('/')
    const message = 'relative paths start at the folder of this file'
    const comments = isRelative ? [route.note('differs', file, message)] : []
    // The files of policies lie in a folder below that of the config.
    const path = isRelative ? `../${file.value.replace(/^\.\//, '')}` : file.value
    entries.push(entry(key, path, { origin: file, comments, fallbacks: [COMMENT_OUT] }))
  }
  return entries
}

function balancing(route: Settings): readonly DraftEntry[] {
  const entries: DraftEntry[] = []
  const policy = route.text('load_balancing_policy', 'lb_policy')
  if (policy !== undefined) {
    const name = policy.value.toUpperCase()
    const options = { origin: policy, fallbacks: [COMMENT_OUT] }
    entries.push(entry('load_balancing_policy', name, options))
  }
  const checks = route.take('health_checks')
  if (checks === undefined) return entries
  const [first, second] = checks.value.kind === 'list' ? checks.value.items : [checks.value]
  const check = first === undefined ? undefined : route.inside({ ...checks, value: first })
  if (check === undefined) return entries
  const http = check.take('http_health_check')
  const path = http === undefined ? undefined : route.inside(http)?.text('path')
  if (path === undefined || second !== undefined) {
    route.note('left-out', checks, 'one check by HTTP is what there is: write `health_check`')
    return entries
  }
  const values: Record<string, string | number> = { path: path.value }
  for (const [ours, theirs] of HEALTH_KEYS) {
    const written = check.text(theirs)
    if (written === undefined) continue
    const ms = goDurationMs(written.value)
    const isCount = /^\d{1,6}$/.test(written.value)
    if (isCount) values[ours] = Number(written.value)
    else if (ms !== undefined) values[ours] = durationText(ms)
  }
  const comments = check.rest().map((one) => route.note('left-out', one, 'is not known here'))
  const options = { origin: checks, comments, fallbacks: [COMMENT_OUT] }
  return [...entries, entry('health_check', inlineMap(values), options)]
}

const HEALTH_KEYS = [
  ['interval', 'interval'],
  ['timeout', 'timeout'],
  ['unhealthy', 'unhealthy_threshold'],
  ['healthy', 'healthy_threshold'],
] as const

function provider(route: Settings, defaults: RouteDefaults): readonly DraftEntry[] {
  const client = route.text('idp_client_id')
  const secret = route.take('idp_client_secret')
  if (client === undefined) {
    if (secret !== undefined)
      route.note('left-out', secret, 'without `idp_client_id` it is for nothing')
    return []
  }
  // No fallback: without its provider the route would take sessions of others.
  return [entry('provider', defaults.providerFor(client, secret), { origin: client })]
}
