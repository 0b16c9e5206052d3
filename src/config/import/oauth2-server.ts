/** `server` and `session` for oauth2-proxy, of its options or of the alpha config's `server`. */

import {
  COMMENT_OUT,
  COMMENT_OUT_LIFETIME,
  type DraftEntry,
  entry,
  inlineMap,
  list,
  literal,
  map,
  type Origin,
  part,
} from './draft.ts'
import { durationText, goDurationMs } from './go-duration.ts'
import type { Notes } from './notes.ts'
import { listenAddress } from './pomerium-server.ts'
import { isPlainHttp } from './provider-draft.ts'
import { type Settings, type Typed, textOf } from './settings.ts'
import { listOf } from './yaml-drafts.ts'

const DEFAULT_HTTP = '127.0.0.1:4180'
const DEFAULT_HTTPS = '0.0.0.0:443'
/** `cookie_expire` where the file says nothing. */
const DEFAULT_LIFETIME = '7d'
const CALLBACK = '/oauth2/callback'

export interface PublicPlace {
  /** `https://app.example.com` */
  readonly origin: string
  /** Path of the redirect URL. */
  readonly callback: string
  readonly entries: readonly DraftEntry[]
}

/** Where browsers find the gateway: by the redirect URL, or a host to be filled in. */
export function publicPlace(options: Settings | undefined, at: Origin, notes: Notes): PublicPlace {
  const url = options?.text('redirect_url')
  const prefix = options?.text('proxy_prefix')
  const domains = [
    options?.texts('whitelist_domains', 'whitelist_domain'),
    options?.texts('cookie_domains', 'cookie_domain'),
  ]
  const read = url === undefined ? null : URL.parse(url.value)
  const usable = read !== null && /^https?:$/.test(read.protocol) && read.hostname !== ''
  const own = prefix === undefined ? CALLBACK : `${prefix.value.replace(/\/$/, '')}/callback`
  const comments = noteDomains(domains, options)
  if (prefix !== undefined) {
    options?.note(
      'differs',
      prefix,
      'own pages are below `/.gatehouse/`; only the callback stays where it is',
    )
  }
  if (!usable) {
    const origin = `https://${placeholderHost(domains)}`
    const subject = { at: url?.at ?? at.at, subject: 'redirect_url' }
    const message =
      'names no host, and oauth2-proxy answers to any: write yours here and in `from` of the routes'
    const all = [...comments, notes.add('left-out', subject.at, subject.subject, message)]
    return { origin, callback: own, entries: [entry('public_url', origin, { comments: all })] }
  }
  const oneHost = `${read.host} alone is served here; oauth2-proxy answers to any host`
  if (url !== undefined) comments.push(notes.add('differs', url.at, url.subject, oneHost))
  const entries = [entry('public_url', read.origin, { origin: url, comments })]
  if (isPlainHttp(read.origin) && url !== undefined) {
    const note = options?.note('differs', url, 'plain http needs this opt-out here')
    entries.push(entry('allow_http', true, { comments: note === undefined ? [] : [note] }))
  }
  const callback = read.pathname === '/' ? own : read.pathname
  return { origin: read.origin, callback, entries }
}

function noteDomains(
  domains: readonly (Typed<readonly string[]> | undefined)[],
  options: Settings | undefined,
): string[] {
  const [allowed, cookies] = domains
  const comments: string[] = []
  if (allowed !== undefined && options !== undefined) {
    const message = 'people are sent back to hosts of routes alone: each host needs a route'
    comments.push(options.note('differs', allowed, message))
  }
  if (cookies !== undefined && options !== undefined) {
    const message = 'each host has a cookie of its own, and one sign-in opens them all'
    comments.push(options.note('differs', cookies, message))
  }
  return comments
}

function placeholderHost(domains: readonly (Typed<readonly string[]> | undefined)[]): string {
  const all = domains.flatMap((one) => one?.value ?? [])
  const domain = all
    .map((text) =>
      text
        .replace(/^\*?\./, '')
        .replace(/:.*$/, '')
        .toLowerCase(),
    )
    .find((text) => /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(text))
  return domain === undefined ? 'replace-me.invalid' : `replace-me.${domain}`
}

/** `listen`, `tls`, `admin_listen` and `trusted_proxies` of the .cfg file. */
export function serverOfOptions(options: Settings): readonly DraftEntry[] {
  const http = options.text('http_address')
  const https = options.text('https_address')
  const cert = options.text('tls_cert_file')
  const key = options.text('tls_key_file')
  const hasTls = cert !== undefined && key !== undefined
  const metrics = options.text('metrics_address')
  return [
    ...addressEntry(
      'listen',
      hasTls ? https : http,
      hasTls ? DEFAULT_HTTPS : DEFAULT_HTTP,
      options,
    ),
    ...unused(hasTls ? http : https, options),
    ...(hasTls ? tlsEntry(cert, key, options) : []),
    ...(metrics === undefined ? [] : addressEntry('admin_listen', metrics, '', options)),
    ...proxies(options),
  ]
}

function unused(address: Typed<string> | undefined, options: Settings): readonly DraftEntry[] {
  if (address !== undefined) options.note('left-out', address, 'one address is listened on')
  return []
}

function addressEntry(
  key: string,
  address: Typed<string> | undefined,
  otherwise: string,
  settings: Settings,
): readonly DraftEntry[] {
  if (address === undefined) return otherwise === '' ? [] : [entry(key, otherwise)]
  const text = address.value.replace(/^https?:\/\//i, '')
  if (/^(unix:|fd:)/i.test(text) || text === '-') {
    settings.note('left-out', address, 'an address and port is listened on, nothing else')
    return otherwise === '' ? [] : [entry(key, otherwise)]
  }
  const options = { origin: address, fallbacks: [COMMENT_OUT] }
  return [entry(key, listenAddress(text), options)]
}

function tlsEntry(
  cert: Typed<string>,
  key: Typed<string>,
  settings: Settings,
): readonly DraftEntry[] {
  const isRelative = !cert.value.startsWith('/') || !key.value.startsWith('/')
  const message = 'relative paths start at the folder of this file'
  const comments = isRelative ? [settings.note('differs', cert, message)] : []
  const pair = inlineMap({ cert: literal(cert.value), key: literal(key.value) })
  const item = part(pair, { origin: cert, fallbacks: [COMMENT_OUT] })
  return [entry('tls', list([item]), { origin: cert, comments })]
}

function proxies(options: Settings): readonly DraftEntry[] {
  const behind = options.flag('reverse_proxy')
  const networks = options.texts('trusted_proxy_ips', 'trusted_proxy_ip')
  if (networks !== undefined) {
    const fallbacks = [COMMENT_OUT]
    return [entry('trusted_proxies', listOf(networks.value), { origin: networks, fallbacks })]
  }
  if (behind?.value !== true) return []
  const message =
    '`X-Forwarded-*` of everyone is believed there; here of nobody, until the proxies in front are named'
  const comments = [options.note('differs', behind, message)]
  return [entry('trusted_proxies', { kind: 'list', items: [], inline: true }, { comments })]
}

/** The same of the alpha config. */
export function serverOfAlpha(alpha: Settings): readonly DraftEntry[] {
  const server = sectionOf(alpha, 'server')
  const metrics = sectionOf(alpha, 'metricsserver')
  const tls = server === undefined ? undefined : sectionOf(server, 'tls')
  const http = server?.text('bindaddress')
  const https = server?.text('securebindaddress')
  const [cert, key] = ['cert', 'key'].map((name) => fileOf(tls, name))
  const hasTls = cert !== undefined && key !== undefined
  const listen = hasTls ? https : http
  const entries = [
    ...addressEntry('listen', listen, hasTls ? DEFAULT_HTTPS : DEFAULT_HTTP, alpha),
    ...unused(hasTls ? http : https, alpha),
    ...(hasTls ? tlsEntry(cert, key, alpha) : []),
    ...addressEntry('admin_listen', metrics?.text('bindaddress'), '', alpha),
  ]
  for (const section of [server, tls, metrics]) {
    for (const one of section?.rest() ?? []) {
      section?.note('left-out', one, 'has no counterpart; metrics are served over plain http')
    }
  }
  return entries
}

function sectionOf(settings: Settings, name: string): Settings | undefined {
  const setting = settings.take(name)
  return setting === undefined ? undefined : settings.inside(setting)
}

/** `{ fromFile: PATH }` */
function fileOf(tls: Settings | undefined, name: string): Typed<string> | undefined {
  const setting = tls?.take(name)
  if (tls === undefined || setting === undefined) return undefined
  const found =
    setting.value.kind === 'map'
      ? setting.value.entries.find(({ key }) => key.toLowerCase() === 'fromfile')
      : undefined
  const value = found === undefined ? undefined : textOf(found.value)
  if (value !== undefined && value !== '')
    return { at: setting.at, subject: setting.subject, value }
  tls.note('left-out', setting, 'write it to a file and name that in `server.tls`')
  return undefined
}

/** `session`. @param at where the file has nothing about it */
export function translateSession(
  options: Settings | undefined,
  at: Origin,
  notes: Notes,
): DraftEntry {
  const expire = options?.text('cookie_expire')
  const secret = options?.take('cookie_secret', 'cookie_secret_file')
  const ms = expire === undefined ? undefined : goDurationMs(expire.value)
  const lifetime = ms === undefined || ms === 0 ? DEFAULT_LIFETIME : durationText(ms)
  const origin = secret ?? { at: at.at, subject: 'cookie_secret' }
  const message =
    'sessions do not move over, so make a new one: `gatehouse keygen`, and set it as GATEHOUSE_SECRET'
  const comments = [notes.add('secret', origin.at, origin.subject, message)]
  const span = expire ?? { at: at.at, subject: 'cookie_expire' }
  const zero = ms === 0 ? 'a session that ends with the browser does not exist; ' : ''
  const idle = `${zero}oauth2-proxy has no idle time; a shorter one is safer`
  return entry(
    'session',
    map([
      entry('secret', notes.reference('GATEHOUSE_SECRET'), { comments }),
      ...store(options, at, notes),
      entry('lifetime', lifetime, { origin: span, fallbacks: [COMMENT_OUT_LIFETIME] }),
      entry('idle', lifetime, { comments: [notes.add('differs', span.at, span.subject, idle)] }),
    ]),
    { gap: true },
  )
}

const FILE_STORE = 'sqlite:sessions.db'

function store(options: Settings | undefined, at: Origin, notes: Notes): readonly DraftEntry[] {
  const kind = options?.text('session_store_type')
  if (options === undefined || kind?.value !== 'redis') {
    const origin = kind ?? { at: at.at, subject: 'session_store_type' }
    const message =
      'sessions are kept in a file of this machine, not in the cookie; in Redis for several'
    const comment = notes.add('differs', origin.at, origin.subject, message)
    return [entry('store', FILE_STORE, { comments: [comment] })]
  }
  const url = options.text('redis_connection_url')
  const password = options.take('redis_password')
  const several = ['redis_use_sentinel', 'redis_use_cluster'].map((name) => options.flag(name))
  const cluster = several.find((flag) => flag?.value === true)
  const instead = {
    kind: 'instead',
    value: entry('', FILE_STORE).value,
    why: 'a file is used',
  } as const
  if (cluster !== undefined || url === undefined) {
    const message = 'write `redis-sentinel://` or `redis-cluster://` with all hosts into this key'
    const comment = options.note('left-out', cluster ?? kind, message)
    return [entry('store', FILE_STORE, { comments: [comment] })]
  }
  const comments: string[] = []
  const text = redisUrl(url, password, options, notes, comments)
  return [entry('store', text, { origin: url, comments, fallbacks: [instead] })]
}

/** The URL with a reference for its password. */
function redisUrl(
  url: Typed<string>,
  password: Origin | undefined,
  options: Settings,
  notes: Notes,
  comments: string[],
): string {
  const match = /^(rediss?:\/\/)(?:([^@/]*)@)?(.*)$/i.exec(url.value)
  const [, scheme = 'redis://', userinfo, rest = ''] = match ?? []
  const hasPassword = password !== undefined || (userinfo ?? '').includes(':')
  const user = (userinfo ?? '').split(':')[0] ?? ''
  if (!hasPassword) return literal(url.value)
  const name = 'OAUTH2_PROXY_REDIS_PASSWORD'
  comments.push(options.note('secret', password ?? url, `not copied: set it as ${name}`))
  return `${scheme}${literal(user)}:${notes.reference(name)}@${literal(rest)}`
}
