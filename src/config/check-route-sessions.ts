/** Routes whose sessions are to last longer than sessions do: they end with those, and whoever wrote it is told. */

import type { Route } from '../policy/route.ts'
import { type Problem, warning } from '../support/problem.ts'
import type { SessionConfig } from './schema.ts'

export function checkRouteSessions(
  routes: readonly Route[],
  { lifetime, idle }: Pick<SessionConfig, 'lifetime' | 'idle'>,
): readonly Problem[] {
  return routes.flatMap(({ session }) => {
    if (session === undefined) return []
    const { at, lifetimeMs, idleMs } = session
    const longer = (key: string) =>
      warning(
        at,
        `\`${key}\` has no effect: every session ends with \`session.${key}\` of the config`,
      )
    return [
      ...(Number.isFinite(lifetimeMs) && lifetimeMs > lifetime ? [longer('lifetime')] : []),
      ...(Number.isFinite(idleMs) && idleMs > idle ? [longer('idle')] : []),
    ]
  })
}
