/** `/.gatehouse/user`: who is signed in, as JSON. Never a token. */

import { absoluteEnd, type LiveSession } from '../identity/session.ts'
import { renderJson } from '../pages/render.ts'
import type { EpochMs } from '../support/time.ts'
import { failure, type Reaction } from './reaction.ts'
import { openWithGroups } from './session-cookie.ts'
import { NO_WISHES, signInUrl } from './sign-in-url.ts'
import type { Visit } from './visit.ts'

export const USER_PATH = '/.gatehouse/user'

export async function user(visit: Visit): Promise<Reaction> {
  const session = await openWithGroups(visit)
  if (session === undefined) {
    const target = { kind: 'here', url: `${visit.origin}/` } as const
    return failure(visit, 'SIGN_IN_REQUIRED', {
      form: 'json',
      loginUrl: signInUrl(visit.origin, target, NO_WISHES),
    })
  }
  visit.sessions.seen(session)
  return renderJson(200, userFields(visit, session), visit.head)
}

/** What is told of a person; what is not known is `null`. */
export function userFields(visit: Visit, { record, subject }: LiveSession): object {
  const { lifetime, idle } = visit.snapshot.config.session
  return {
    subject: record.sub,
    email: record.email ?? null,
    name: record.name ?? null,
    groups: subject.groups.list.map((group) => group.name ?? group.id),
    provider: record.provider,
    signed_in_at: iso(record.signedInAt),
    expires_at: iso(absoluteEnd(record, { lifetimeMs: lifetime, idleMs: idle })),
  }
}

export function iso(at: EpochMs): string {
  return new Date(at).toISOString()
}
