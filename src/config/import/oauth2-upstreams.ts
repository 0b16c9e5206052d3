/** Upstreams of oauth2-proxy, which are told apart by path alone, as routes of the one host that it is asked under. */

import {
  COMMENT_OUT,
  COMMENT_OUT_ROUTE,
  type DraftEntry,
  type DraftPart,
  entry,
  inlineMap,
  list,
  map,
  type Origin,
  part,
} from './draft.ts'
import { durationText, goDurationMs } from './go-duration.ts'
import type { Notes } from './notes.ts'
import { adviceFor } from './oauth2-left-out.ts'
import { createNames, type HostedRoute, routeName } from './policy-drafts.ts'
import { type Settings, settingsOf, type Typed } from './settings.ts'
import { backReferences, wholePattern } from './whole-pattern.ts'

/** One upstream, of either kind of file. */
export interface Upstream {
  readonly origin: Origin
  /** As oauth2-proxy compares it: with a final slash all below, with `^` a pattern, else exactly this. */
  readonly path: string
  readonly rewriteTarget: string | undefined
  /** Empty for one that answers by itself. */
  readonly uri: string
  readonly staticCode: number | undefined
  readonly skipVerify: boolean
  readonly passHost: boolean
  readonly webSockets: boolean
  readonly timeout: Typed<string> | undefined
  readonly comments: readonly string[]
}

/** The upstreams of the .cfg file, and what it says for all of them. */
export function upstreamsOfOptions(options: Settings): readonly Upstream[] {
  const skipVerify = options.flag('ssl_upstream_insecure_skip_verify')?.value ?? false
  const passHost = options.flag('pass_host_header')?.value ?? true
  const webSockets = options.flag('proxy_websockets')?.value ?? true
  const timeout = options.text('upstream_timeout')
  const urls = options.texts('upstreams', 'upstream')
  const all = { rewriteTarget: undefined, skipVerify, passHost, webSockets, timeout, comments: [] }
  return (urls?.value ?? []).map((text, index) => {
    const origin = { at: urls?.at ?? options.at, subject: `upstreams[${index}]` }
    const match = /^([a-z0-9+.-]+):\/\/([^/?#]*)([^?#]*)(?:#(.*))?/i.exec(text)
    const [, scheme = '', host = '', path = '', fragment] = match ?? []
    if (scheme.toLowerCase() === 'static') {
      const code = /^\d{3}$/.test(host) ? Number(host) : 200
      return { ...all, origin, path: '/', uri: '', staticCode: code }
    }
    const isUnix = scheme.toLowerCase() === 'unix'
    const where = isUnix ? '/' : (fragment ?? path)
    return { ...all, origin, path: where === '' ? '/' : where, uri: text, staticCode: undefined }
  })
}

/** The upstreams of the alpha config. */
export function upstreamsOfAlpha(alpha: Settings, notes: Notes): readonly Upstream[] {
  const setting = alpha.take('upstreamconfig')
  const section = setting === undefined ? undefined : alpha.inside(setting)
  const listed = section?.take('upstreams') ?? alpha.take('upstreams')
  for (const one of section?.rest() ?? [])
    notes.add('left-out', one.at, one.subject, adviceFor(key(one)))
  const items = listed?.value.kind === 'list' ? listed.value.items : []
  return items.flatMap((item, index) => {
    const subject = `${listed?.subject ?? 'upstreams'}[${index}]`
    if (item.kind === 'map') return [alphaUpstream(settingsOf(item, subject, notes))]
    notes.add('left-out', item.at, subject, 'is no upstream')
    return []
  })
}

function alphaUpstream(upstream: Settings): Upstream {
  const id = upstream.text('id')
  const uri = upstream.text('uri')
  const path = upstream.text('path')
  const code = upstream.text('staticcode')
  const isStatic = upstream.flag('static')?.value ?? false
  const origin = path ?? id ?? { at: upstream.at, subject: 'upstreams' }
  const described = {
    rewriteTarget: upstream.text('rewritetarget')?.value,
    skipVerify: upstream.flag('insecureskiptlsverify')?.value ?? false,
    passHost: upstream.flag('passhostheader')?.value ?? true,
    webSockets: upstream.flag('proxywebsockets')?.value ?? true,
    timeout: upstream.text('timeout'),
  }
  return {
    ...described,
    origin,
    path: path?.value ?? '/',
    uri: isStatic ? '' : (uri?.value ?? ''),
    staticCode: isStatic ? Number(code?.value ?? 200) : undefined,
    comments: upstream.rest().map((one) => upstream.note('left-out', one, adviceFor(key(one)))),
  }
}

function key({ subject }: Origin): string {
  return subject.slice(subject.lastIndexOf('.') + 1)
}

export interface RouteParts {
  /** `https://app.example.com` */
  readonly from: string
  /** What every route has: headers, where it forwards, and who may pass. */
  readonly shared: (forwards: boolean) => readonly DraftEntry[]
  readonly notes: Notes
}

/** The routes. Without an upstream there is one for forward-auth. */
export function upstreamRoutes(
  upstreams: readonly Upstream[],
  { from, shared, notes }: RouteParts,
): readonly HostedRoute[] {
  const host = from.replace(/^https?:\/\//, '').toLowerCase()
  const names = createNames()
  if (upstreams.length === 0) {
    const entries = [entry('name', names(routeName(undefined, host, '/'))), entry('from', from)]
    return [{ host, part: part(map([...entries, ...shared(true)]), { gap: true }) }]
  }
  return upstreams.map((upstream) => {
    const wanted = routeName(undefined, host, upstream.path)
    return { host, part: routeOf(upstream, names(wanted), from, shared, notes) }
  })
}

function routeOf(
  upstream: Upstream,
  name: string,
  from: string,
  shared: RouteParts['shared'],
  notes: Notes,
): DraftPart {
  const { origin, comments } = upstream
  const place = [entry('name', name), entry('from', from), ...placeEntries(upstream)]
  const targets = target(upstream, notes)
  const forwards = targets.some(({ key: name }) => name === 'to')
  const entries = [
    ...place,
    ...targets,
    ...(forwards ? forwarding(upstream, notes) : []),
    ...shared(forwards),
  ]
  const placeAlone = {
    kind: 'instead',
    value: map(place),
    why: 'only its place is kept, where nobody is let in',
  } as const
  const fallbacks = [placeAlone, COMMENT_OUT_ROUTE]
  return part(map(entries), { origin, comments, gap: true, fallbacks })
}

function placeEntries({ path, origin }: Upstream): readonly DraftEntry[] {
  if (path === '/') return []
  if (path.startsWith('^')) return [entry('regex', wholePattern(path), { origin })]
  return [entry(path.endsWith('/') ? 'prefix' : 'path', path, { origin })]
}

function target(upstream: Upstream, notes: Notes): readonly DraftEntry[] {
  const { origin, uri, staticCode, rewriteTarget, path } = upstream
  const options = { origin, fallbacks: [COMMENT_OUT] }
  if (staticCode !== undefined) {
    const body: Record<string, string> = hasBody(staticCode) ? { body: 'Authenticated' } : {}
    const value = inlineMap({ status: staticCode, ...body })
    return [entry('response', value, options)]
  }
  const to = readUri(uri, origin, notes)
  const rewrites =
    rewriteTarget === undefined
      ? []
      : [
          entry('regex_rewrite_pattern', wholePattern(path), options),
          entry('regex_rewrite_substitution', backReferences(rewriteTarget), options),
        ]
  return [...to, ...rewrites]
}

/** RFC 9110 §15.3.5 and §15.4.5. */
function hasBody(status: number): boolean {
  return status !== 204 && status !== 304
}

/** The upstream is asked for the path as the browser asks, whatever path its URL has. */
function readUri(uri: string, origin: Origin, notes: Notes): readonly DraftEntry[] {
  const match = /^(https?):\/\/(?:([^/?#@]*)@)?([^/?#]+)/i.exec(uri)
  const options = { origin, fallbacks: [COMMENT_OUT] }
  if (/^unix:/i.test(uri)) return [entry('to', uri, options)]
  if (match === null) {
    const what = /^file:/i.test(uri)
      ? 'files are not served: put a web server before them'
      : 'is no URL'
    notes.add('left-out', origin.at, origin.subject, what)
    return []
  }
  const [, scheme = '', userinfo, host = ''] = match
  const message = 'holds a user name or password, and policies live in git: not copied'
  const comments =
    userinfo === undefined ? [] : [notes.add('secret', origin.at, origin.subject, message)]
  return [entry('to', `${scheme.toLowerCase()}://${host}`, { ...options, comments })]
}

function forwarding(upstream: Upstream, notes: Notes): readonly DraftEntry[] {
  const { skipVerify, passHost, webSockets, timeout, origin } = upstream
  const message = 'one from a page of another origin is refused unless `websocket_origins` lists it'
  const ms = timeout === undefined ? undefined : goDurationMs(timeout.value)
  if (timeout !== undefined && ms === undefined) {
    notes.add('left-out', timeout.at, timeout.subject, 'is no duration')
  }
  return [
    ...(passHost ? [entry('preserve_host_header', true)] : []),
    ...(webSockets
      ? [
          entry('allow_websockets', true, {
            comments: [notes.add('differs', origin.at, 'proxy_websockets', message)],
          }),
        ]
      : []),
    ...(ms === undefined
      ? []
      : [entry('timeout', durationText(ms), { origin: timeout, fallbacks: [COMMENT_OUT] })]),
    ...(skipVerify ? [entry('tls_skip_verify', true)] : []),
  ]
}

/** The policy that uses named ones, all of which let people in: one that is gone lets in fewer. */
export function usesOf(names: readonly string[]): DraftEntry {
  const uses = names.map((name) => {
    return part(map([entry('use', name)]), { fallbacks: [COMMENT_OUT] })
  })
  return entry('policy', list(uses))
}
