/** Path and query as they go upstream. */

import { GatehouseError } from '../errors.ts'
import type { Route } from '../policy/route.ts'
import type { CanonicalPath } from '../routing/canonical.ts'

/** @throws GatehouseError MALFORMED_REQUEST where the route's rewrite makes no canonical path of this one */
export function upstreamPath({ rewrite, to }: Route, path: CanonicalPath): string {
  const basePath = to?.urls[0]?.basePath ?? ''
  if (rewrite === undefined) return basePath + path.encoded + path.query
  const rewritten = rewrite(path)
  if (typeof rewritten === 'string') return basePath + rewritten + path.query
  throw new GatehouseError('MALFORMED_REQUEST', rewritten.detail)
}
