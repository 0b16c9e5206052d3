/** Gatehouse as a target of the runner: as in the tests, with HTTP/2, and a header for people's names. */

import type { Scope } from '../../support/scope.ts'
import type { ByteUpstreamOptions } from '../byte-upstream.ts'
import { startTarget } from '../start-target.ts'
import type { Target } from '../target.ts'

export async function startGatehouseTarget(
  scope: Scope,
  { answer }: ByteUpstreamOptions = {},
): Promise<Target> {
  const headers = {
    'X-Forwarded-User': 'sub',
    'X-Forwarded-Email': 'email',
    'X-Forwarded-Preferred-Username': 'preferred_username',
    'X-Forwarded-Groups': 'groups',
    'X-Forwarded-Name': 'name',
  } as const
  const target = await startTarget(scope, {
    config: { server: { h2c: true }, identity_headers: { headers } },
    ...(answer === undefined ? {} : { answer }),
  })
  return { ...target, identity: headers }
}
