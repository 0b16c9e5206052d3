/** Keys of a route that stand for themselves: times, flags, texts, and origins of WebSockets. */

import { readAuthority } from '../../routing/host-name.ts'
import type { Around } from '../language/compile-conditions.ts'
import type { Report } from '../language/matchers.ts'
import type { Route } from '../route.ts'
import { readFrom } from './route-address.ts'
import type { RouteKey } from './route-keys.ts'
import { readSession } from './route-session.ts'
import {
  type RouteEntries,
  readAnyDuration,
  readChoice,
  readDuration,
  readFlag,
  readText,
} from './route-values.ts'

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_IDLE_TIMEOUT_MS = 300_000

export type RouteSettings = Pick<
  Route,
  | 'description'
  | 'contact'
  | 'logoUrl'
  | 'preserveHostHeader'
  | 'passIdentityHeaders'
  | 'reportOnly'
  | 'allowWebsockets'
  | 'websocketOrigins'
  | 'hstsMs'
  | 'timeoutMs'
  | 'idleTimeoutMs'
  | 'keepEncodedSlashes'
  | 'session'
>

export function readSettings(entries: RouteEntries, { report }: Around): RouteSettings | undefined {
  const flag = (key: RouteKey, byDefault: boolean) => readFlag(entries, key, byDefault, report)
  const description = readText(entries, 'description', report)
  const contact = readText(entries, 'contact', report)
  const logoUrl = readLogoUrl(entries, report)
  const preserveHostHeader = flag('preserve_host_header', false)
  const passIdentityHeaders = flag('pass_identity_headers', true)
  const reportOnly = flag('report_only', false)
  const allowWebsockets = flag('allow_websockets', false)
  const websocketOrigins = readOrigins(entries, report)
  const timeoutMs = readDuration(entries, 'timeout', DEFAULT_TIMEOUT_MS, report)
  const idleTimeoutMs = readDuration(entries, 'idle_timeout', DEFAULT_IDLE_TIMEOUT_MS, report)
  const hstsMs = readAnyDuration(entries, 'hsts', report)
  const session = readSession(entries, report)
  const slashes = readChoice(entries, 'encoded_slashes', ['reject', 'keep'], report)
  const broken =
    description === undefined ||
    contact === undefined ||
    logoUrl === undefined ||
    preserveHostHeader === undefined ||
    passIdentityHeaders === undefined ||
    reportOnly === undefined ||
    allowWebsockets === undefined ||
    websocketOrigins === undefined ||
    timeoutMs === undefined ||
    idleTimeoutMs === undefined ||
    hstsMs === undefined ||
    session === undefined ||
    slashes === undefined
  if (broken) return undefined
  return {
    description: description ?? undefined,
    contact: contact ?? undefined,
    logoUrl: logoUrl ?? undefined,
    preserveHostHeader,
    passIdentityHeaders,
    reportOnly,
    allowWebsockets,
    websocketOrigins: websocketOrigins ?? undefined,
    timeoutMs,
    idleTimeoutMs,
    hstsMs: hstsMs ?? undefined,
    session: session ?? undefined,
    keepEncodedSlashes: slashes === 'keep',
  }
}

/** Browsers load it on the portal, so it is a whole address, and a safe one. */
function readLogoUrl(entries: RouteEntries, report: Report): string | null | undefined {
  const text = readText(entries, 'logo_url', report)
  const at = entries.get('logo_url')?.value.at
  if (typeof text !== 'string' || at === undefined) return text
  const url = /^https:\/\/[^/?#]/i.test(text) && URL.canParse(text) ? new URL(text) : undefined
  // Its origin stands in a content security policy, where `;`, `,` and `*`, which URLs permit in a host, say more.
  const isPlain = url !== undefined && readAuthority(url.host) !== undefined
  if (!isPlain || url.username !== '' || url.password !== '') {
    return report(at, '`logo_url` is the address of an image, beginning with `https://`')
  }
  return url.href
}

/** `"*"`, an origin, or a list of origins; null where the key is not written. */
function readOrigins(
  entries: RouteEntries,
  report: Report,
): ReadonlySet<string> | 'any' | null | undefined {
  const value = entries.get('websocket_origins')?.value
  if (value === undefined) return null
  const items = value.kind === 'list' ? value.items : [value]
  if (items.length === 0) return report(value.at, '`websocket_origins` is empty; name an origin')
  const origins = new Set<string>()
  let isAny = false
  let broken = false
  for (const item of items) {
    const text = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : ''
    const address = text === '*' ? undefined : readFrom(text)
    if (text === '*') isAny = true
    else if (typeof address === 'object' && address.host.kind === 'exact')
      origins.add(address.origin)
    else {
      broken = true
      report(
        item.at,
        '`websocket_origins` takes origins, as in `https://app.example.com`, or `"*"`',
      )
    }
  }
  if (isAny && items.length > 1) {
    return report(value.at, '`"*"` in `websocket_origins` takes all origins; drop it or the others')
  }
  if (broken) return undefined
  return isAny ? 'any' : origins
}
