/** `server`, `session` and `logging` for a Pomerium file. */

import type { YamlNode } from '../../support/yaml-node.ts'
import {
  COMMENT_OUT,
  COMMENT_OUT_LIFETIME,
  type DraftEntry,
  entry,
  type Fallback,
  inlineMap,
  list,
  literal,
  map,
  type Origin,
  part,
  scalar,
} from './draft.ts'
import { durationText, goDurationMs } from './go-duration.ts'
import type { Notes } from './notes.ts'
import { isPlainHttp } from './provider-draft.ts'
import { type Settings, type Typed, textOf } from './settings.ts'

/** Of a Pomerium that says nothing of it. */
const DEFAULT_ADDRESS = '0.0.0.0:443'
const DEFAULT_LIFETIME = '14h'

/**
 * `server`. `hosts`: those of the routes, for a file that leaves the sign-in to Pomerium's makers; `more`: what
 * others have to say there.
 */
export function translateServer(
  settings: Settings,
  hosts: readonly string[],
  more: readonly DraftEntry[],
): DraftEntry {
  const insecure = settings.flag('insecure_server')
  const tls = insecure?.value === true ? [] : certificates(settings)
  const plain = insecure ?? { at: settings.at, subject: 'certificate_file' }
  const entries = [
    ...listen(settings, tls.length > 0 ? undefined : plain),
    ...publicUrl(settings, hosts),
    ...metrics(settings),
    ...tls,
    ...more,
    ...redirect(settings),
    ...proxies(settings),
  ]
  return entry('server', map(entries))
}

/** @param plain where it says, or fails to say, that there is no TLS */
function listen(settings: Settings, plain: Origin | undefined): readonly DraftEntry[] {
  const address = settings.text('address')
  const written = address?.value ?? DEFAULT_ADDRESS
  const comments = plain === undefined ? [] : [settings.note('differs', plain, PLAIN)]
  const options = { origin: address, comments, fallbacks: [COMMENT_OUT] }
  return [entry('listen', listenAddress(written), options)]
}

const PLAIN =
  'without `tls` plain http is spoken, for a proxy in front; Pomerium makes a certificate unless it is told not to'

/** `:8443` is every address there. */
export function listenAddress(text: string): string {
  return text.startsWith(':') ? `0.0.0.0${text}` : text
}

function publicUrl(settings: Settings, hosts: readonly string[]): readonly DraftEntry[] {
  const url = settings.text('authenticate_service_url')
  if (url === undefined) {
    const origin = { at: settings.at, subject: 'authenticate_service_url' }
    const message =
      'is not in the file: sign-in is on a host of your own here; choose it, and register its callback'
    const comments = [settings.note('differs', origin, message)]
    return [entry('public_url', `https://${signInHost(hosts)}`, { comments })]
  }
  const plain = isPlainHttp(url.value)
  const entries = [
    entry('public_url', literal(url.value).replace(/\/$/, ''), {
      origin: url,
      fallbacks: [replaceUrl(hosts)],
    }),
  ]
  if (plain) {
    const comments = [settings.note('differs', url, 'plain http needs this opt-out here')]
    entries.push(entry('allow_http', true, { comments }))
  }
  return entries
}

function replaceUrl(hosts: readonly string[]): Fallback {
  const value = scalar(`https://${signInHost(hosts)}`)
  return { kind: 'instead', value, why: 'another is written; choose one' }
}

/** Beside the first route's host. */
function signInHost(hosts: readonly string[]): string {
  const domain = hosts
    .map((host) => host.replace(/:\d+$/, ''))
    .find((host) => /^[a-z0-9*-]+(\.[a-z0-9-]+){2,}$/.test(host))
  return domain === undefined
    ? 'auth.replace-me.invalid'
    : `auth.${domain.slice(domain.indexOf('.') + 1)}`
}

function metrics(settings: Settings): readonly DraftEntry[] {
  const address = settings.text('metrics_address')
  if (address === undefined) return []
  const message = 'health and administration answer there too, the latter with `admin_token` alone'
  const comments = [settings.note('differs', address, message)]
  const options = { origin: address, comments, fallbacks: [COMMENT_OUT] }
  return [entry('admin_listen', listenAddress(address.value), options)]
}

function certificates(settings: Settings): readonly DraftEntry[] {
  const pairs: { readonly cert: string; readonly key: string }[] = []
  const cert = settings.text('certificate_file')
  const key = settings.text('certificate_key_file')
  if (cert !== undefined && key !== undefined) pairs.push({ cert: cert.value, key: key.value })
  else for (const lonely of [cert, key]) if (lonely) settings.note('left-out', lonely, NO_PAIR)
  const several = settings.take('certificates')
  const items = several?.value.kind === 'list' ? several.value.items : []
  for (const item of items) {
    const pair = pairIn(item)
    if (pair !== undefined) pairs.push(pair)
    else if (several !== undefined) settings.note('left-out', several, NO_PAIR)
  }
  const origin = cert ?? several
  if (pairs.length === 0 || origin === undefined) return []
  const relative = pairs.some((pair) => !pair.cert.startsWith('/') || !pair.key.startsWith('/'))
  const message = 'relative paths start at the folder of this file'
  const comments = relative ? [settings.note('differs', origin, message)] : []
  const items2 = pairs.map((pair) =>
    part(inlineMap({ cert: literal(pair.cert), key: literal(pair.key) }), {
      origin,
      fallbacks: [COMMENT_OUT],
    }),
  )
  return [entry('tls', list(items2), { origin, comments })]
}

const NO_PAIR = 'a certificate and its key come as two files: write both into `server.tls`'

function pairIn(node: YamlNode): { readonly cert: string; readonly key: string } | undefined {
  if (node.kind !== 'map') return undefined
  const find = (name: string): string | undefined => {
    const value = node.entries.find(({ key }) => key.toLowerCase() === name)?.value
    return value === undefined ? undefined : textOf(value)
  }
  const cert = find('cert')
  const key = find('key')
  return cert && key ? { cert, key } : undefined
}

function redirect(settings: Settings): readonly DraftEntry[] {
  const address = settings.text('http_redirect_addr')
  if (address === undefined) return []
  const value = listenAddress(address.value.replace(/["']/g, ''))
  return [entry('redirect_listen', value, { origin: address, fallbacks: [COMMENT_OUT] })]
}

function proxies(settings: Settings): readonly DraftEntry[] {
  const hops = settings.text('xff_num_trusted_hops')
  if (hops === undefined || hops.value === '0') return []
  const message =
    'proxies are named by address here: until they are, the address of the nearest one counts as the client'
  const comments = [settings.note('differs', hops, message)]
  return [entry('trusted_proxies', { kind: 'list', items: [], inline: true }, { comments })]
}

/** `session`. */
export function translateSession(settings: Settings, notes: Notes): DraftEntry {
  const expire = settings.text('cookie_expire')
  const lifetime = lifetimeOf(expire, settings)
  const secret = settings.take('cookie_secret', 'cookie_secret_file')
  const origin = secret ?? { at: settings.at, subject: 'cookie_secret' }
  const message =
    'sessions do not move over, so make a new one: `gatehouse keygen`, and set it as GATEHOUSE_SECRET'
  const secretComments = [settings.note('secret', origin, message)]
  const idle = 'Pomerium has no idle time; a shorter one is safer'
  const idleOrigin = expire ?? { at: settings.at, subject: 'cookie_expire' }
  return entry(
    'session',
    map([
      entry('secret', notes.reference('GATEHOUSE_SECRET'), { comments: secretComments }),
      ...store(settings),
      entry('lifetime', lifetime, { origin: expire, fallbacks: [COMMENT_OUT_LIFETIME] }),
      entry('idle', lifetime, {
        comments: [notes.add('differs', idleOrigin.at, idleOrigin.subject, idle)],
      }),
    ]),
    { gap: true },
  )
}

function lifetimeOf(expire: Typed<string> | undefined, settings: Settings): string {
  if (expire === undefined) return DEFAULT_LIFETIME
  const ms = goDurationMs(expire.value)
  if (ms !== undefined && ms > 0) return durationText(ms)
  settings.note('left-out', expire, `is no duration; ${DEFAULT_LIFETIME}, as Pomerium has it`)
  return DEFAULT_LIFETIME
}

function store(settings: Settings): readonly DraftEntry[] {
  const kind = settings.text('databroker_storage_type')
  if (kind === undefined || kind.value === 'memory') return [entry('store', 'memory:')]
  const message =
    'sessions are kept in a file of this machine here, or in Redis for several: `redis://...`'
  const comments = [settings.note('differs', kind, message)]
  return [entry('store', 'sqlite:sessions.db', { origin: kind, comments })]
}

const LEVELS = new Set(['debug', 'info', 'warn', 'error'])

/** `logging`; nothing where the file says nothing of it. */
export function translateLogging(settings: Settings): readonly DraftEntry[] {
  const level = settings.text('log_level')
  if (level === undefined) return []
  const written = level.value.toLowerCase()
  if (LEVELS.has(written)) {
    return [entry('logging', map([entry('level', written, { origin: level })]), { gap: true })]
  }
  settings.note('left-out', level, 'levels are debug, info, warn and error')
  return []
}
