/** Routes whose access tokens are to end here, where it is another proxy that passes them on. */

import type { Route } from '../policy/route.ts'
import { type Problem, warning } from '../support/problem.ts'

/** A route without an upstream is only asked about; of others nobody can say. */
export function checkRouteTokens(routes: readonly Route[]): readonly Problem[] {
  return routes.flatMap(({ bearer, to, ownAnswer }) => {
    if (bearer === undefined || bearer.forward) return []
    if (to !== undefined || ownAnswer !== undefined) return []
    return [
      warning(
        bearer.at,
        'the proxy that asks about this route passes the token on to the app by itself: let it remove `Authorization` (docs/forward-auth.md), or write `forward: true`',
      ),
    ]
  })
}
