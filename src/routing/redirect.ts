/** Where a route sends browsers instead of forwarding them. */

import type { CanonicalPath, Refusal } from './canonical.ts'
import type { PathRewrite } from './path-rewrite.ts'

/** What of the address changes; what is `undefined` stays. */
export interface RedirectTarget {
  readonly scheme: 'http' | 'https' | undefined
  /** Canonical; an IPv6 address in brackets. */
  readonly host: string | undefined
  readonly port: number | undefined
  readonly path: PathRewrite | undefined
  readonly stripQuery: boolean
}

/**
 * The absolute URL for a request of `origin`. A port that is not said goes with the scheme or the host that it was for.
 * Path and query are canonical: they hold no control, no space and no second authority.
 */
export function redirectUrl(
  target: RedirectTarget,
  origin: string,
  path: CanonicalPath,
): string | Refusal {
  const from = new URL(origin)
  const scheme = target.scheme ?? from.protocol.slice(0, -1)
  const host = target.host ?? from.hostname
  const moved = `${scheme}:` !== from.protocol || host !== from.hostname
  const port = target.port ?? (moved || from.port === '' ? undefined : Number(from.port))
  const isOwn = port === undefined || port === (scheme === 'https' ? 443 : 80)
  const where = target.path === undefined ? path.encoded : target.path(path)
  if (typeof where !== 'string') return where
  return `${scheme}://${host}${isOwn ? '' : `:${port}`}${where}${target.stripQuery ? '' : path.query}`
}
