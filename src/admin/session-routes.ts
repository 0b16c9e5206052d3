/** `/sessions` of the admin listener: who is signed in, and ending that. Never a token, a cookie or a claim. */

import type { FastifyInstance, FastifyReply } from 'fastify'
import { GatehouseError } from '../errors.ts'
import type { ListedSession, Sessions } from '../identity/sessions.ts'
import { EndsUnfinished } from '../identity/unfinished-ends.ts'
import type { Audit } from '../support/audit.ts'
import type { Log } from '../support/log.ts'

export interface SessionRouteParts {
  readonly sessions: Pick<Sessions, 'list' | 'endById' | 'endOfUser' | 'endAll'>
  readonly audit: Audit
  readonly log: Log
}

/** Whose sessions are to end. */
export type Named =
  | { readonly kind: 'user'; readonly value: string }
  | { readonly kind: 'id'; readonly value: string }
  | { readonly kind: 'all' }

export function sessionRoutes(admin: FastifyInstance, parts: SessionRouteParts): void {
  const { sessions, log } = parts
  admin.get('/sessions', (_request, reply) =>
    answer(reply, log, async () => ({ sessions: (await sessions.list()).map(sessionJson) })),
  )
  admin.delete('/sessions', (request, reply) => {
    const named = readNamed(request.query as Readonly<Record<string, unknown>>)
    if (named === undefined) {
      return reply.code(400).header('cache-control', 'no-store').send({
        error: 'MALFORMED_REQUEST',
        message: 'Name one of `user`, `id` and `all=true`.',
      })
    }
    return answer(reply, log, async () => ({
      revoked: await revokeNamed(named, parts, request.ip),
    }))
  })
}

/** Ends what is named, and says so in the audit log. */
export async function revokeNamed(
  named: Named,
  { sessions, audit }: Pick<SessionRouteParts, 'sessions' | 'audit'>,
  sourceIp: string,
): Promise<number> {
  const about = {
    event: 'admin_action',
    action: 'revoke_sessions',
    by: 'admin',
    named_by: named.kind,
    named: named.kind === 'all' ? undefined : named.value,
    source_ip: sourceIp,
  } as const
  try {
    const revoked = await revoke(sessions, named)
    audit({ ...about, outcome: 'success', sessions: revoked })
    return revoked
  } catch (error) {
    const ended = error instanceof EndsUnfinished ? error.ended : undefined
    audit({ ...about, outcome: 'failed', reason: 'store-unavailable', sessions: ended })
    throw error
  }
}

async function revoke(sessions: SessionRouteParts['sessions'], named: Named): Promise<number> {
  switch (named.kind) {
    case 'user':
      return sessions.endOfUser(named.value)
    case 'id':
      return (await sessions.endById(named.value)) ? 1 : 0
    case 'all':
      return sessions.endAll()
  }
}

/** `undefined` unless exactly one thing is named, once: half a wish must not end more than was meant. */
function readNamed(query: Readonly<Record<string, unknown>>): Named | undefined {
  const [entry, ...more] = Object.entries(query)
  if (entry === undefined || more.length > 0) return undefined
  const [name, value] = entry
  if (typeof value !== 'string' || value === '') return undefined
  if (name === 'all') return value === 'true' ? { kind: 'all' } : undefined
  return name === 'user' || name === 'id' ? { kind: name, value } : undefined
}

async function answer(
  reply: FastifyReply,
  log: Log,
  ask: () => Promise<object>,
): Promise<FastifyReply> {
  reply.header('cache-control', 'no-store')
  try {
    return reply.send(await ask())
  } catch (err) {
    if (!(err instanceof GatehouseError) || err.code !== 'STORE_UNAVAILABLE') throw err
    log.warn({ err }, 'the admin listener could not ask the session store')
    return reply.code(err.status).header('retry-after', '1').send(awayJson(err))
  }
}

function awayJson(err: GatehouseError): object {
  const error = err.code
  if (!(err instanceof EndsUnfinished)) {
    return { error, message: 'The session store does not answer now: try again.' }
  }
  const message = `The session store does not answer now. ${sessionCount(err.ended)} ended; the rest is tried again until it is done, unless this gateway ends before.`
  return { error, message, revoked: err.ended }
}

function sessionCount(count: number): string {
  if (count === 0) return 'No session is known to have'
  return count === 1 ? '1 session has' : `${count} sessions have`
}

function sessionJson(session: ListedSession): object {
  return {
    id: session.id,
    sub: session.sub,
    email: session.email ?? null,
    provider: session.provider,
    method: session.method,
    signed_in_at: new Date(session.signedInAt).toISOString(),
    last_seen_at: new Date(session.lastSeenAt).toISOString(),
    expires_at: new Date(session.expiresAt).toISOString(),
    address: session.address,
    user_agent: session.userAgent,
  }
}
