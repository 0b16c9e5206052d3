/** `/.gatehouse/local`: the break-glass sign-in, only with `local_admins`. It works while every provider is down. */

import { LOCAL_PROVIDER, type LocalAttempt, type LocalOutcome } from '../identity/local-admins.ts'
import { renderJson } from '../pages/render.ts'
import { renderLocalSignIn } from '../pages/sign-in-pages.ts'
import { TEXTS } from '../pages/texts.ts'
import type { AuditEvent } from '../support/audit.ts'
import { formTargets } from './form-targets.ts'
import { failure, type Reaction, redirect } from './reaction.ts'
import { returnUrl } from './return-url.ts'
import { endReplaced, openSession, sessionCookie } from './session-cookie.ts'
import { rateLimited } from './sign-in-limit.ts'
import type { Target } from './sign-in-state.ts'
import { NO_WISHES, signInUrl } from './sign-in-url.ts'
import { single, type Visit, wantsJson } from './visit.ts'

export const LOCAL_PATH = '/.gatehouse/local'

/** Where the visitor may sign in with a password instead, and come to `target`; `undefined` where not. */
export function localSignInUrl(visit: Visit, target: Target): string | undefined {
  if (!visit.localAdmins.mayCome(visit.clientAddress)) return undefined
  // With the session that this makes, the sign-in that was begun goes on to the app.
  const rd = target.kind === 'here' ? target.url : signInUrl('', target, NO_WISHES)
  return `${LOCAL_PATH}?${new URLSearchParams({ rd })}`
}

export function askPassword(visit: Visit): Reaction {
  return form(visit, returnUrl(single(visit.query, 'rd'), visit.served.has), undefined)
}

export async function signInLocally(visit: Visit): Promise<Reaction> {
  if (!isFromOwnPage(visit)) {
    return failure(visit, 'ACCESS_DENIED', { text: TEXTS.localElsewhere, form: 'page' })
  }
  const { name, password, rd } = visit.form
  const target = returnUrl(typeof rd === 'string' ? rd : undefined, visit.served.has)
  const attempt: LocalAttempt = {
    name: typeof name === 'string' ? name : '',
    password: typeof password === 'string' ? password : '',
    address: visit.clientAddress,
  }
  const startedAt = visit.now()
  const outcome = await visit.localAdmins.attempt(attempt)
  switch (outcome.kind) {
    case 'throttled':
      noteUse(visit, 'local sign-in throttled', { outcome: 'refused', reason: 'throttled' })
      return rateLimited(visit, outcome.retryAfterSeconds)
    case 'wrong':
      visit.onSignIn(LOCAL_PROVIDER, 'denied')
      noteUse(visit, 'local sign-in refused', {
        outcome: 'refused',
        reason: outcome.why,
        name: outcome.known,
      })
      return form(visit, target, TEXTS.localWrong)
    case 'ok':
      return begin(visit, outcome, target, startedAt)
  }
}

/** A new session takes the place of the one that this browser had. */
async function begin(
  visit: Visit,
  { person }: Extract<LocalOutcome, { kind: 'ok' }>,
  target: string,
  startedAt: number,
): Promise<Reaction> {
  const previous = await openSession(visit)
  if (previous !== undefined) await endReplaced(visit, previous)
  const session = await visit.sessions.create(person, {
    provider: LOCAL_PROVIDER,
    method: 'local',
    address: visit.clientAddress,
    userAgent: visit.userAgent,
    startedAt,
    stepUp: false,
  })
  visit.onSignIn(LOCAL_PROVIDER, 'ok')
  noteUse(visit, 'local sign-in', {
    outcome: 'success',
    name: person.name,
    subject: person.sub,
    session: session.id,
  })
  return redirect(target, [sessionCookie(visit, session)], 303)
}

/** Every use is worth somebody's attention: it is in the audit log, and a warning besides. */
function noteUse(visit: Visit, message: string, use: Omit<AuditEvent, 'event'>): void {
  visit.audit({ ...use, event: 'local_sign_in', provider: LOCAL_PROVIDER })
  const { outcome: _, ...fields } = use
  const { requestId, clientAddress } = visit
  visit.log.warn({ request_id: requestId, ...fields, source_ip: clientAddress }, message)
}

/** A page of another site must not sign a browser in; what says nothing of where it comes from is no browser. */
function isFromOwnPage({ fetchSite, originHeader, origin }: Visit): boolean {
  if (fetchSite !== undefined) return fetchSite === 'same-origin'
  return originHeader === undefined || originHeader === origin
}

function form(visit: Visit, target: string, problem: string | undefined): Reaction {
  const { requestId, head, brand, publicOrigin } = visit
  if (wantsJson(visit)) return asJson(visit, target, problem)
  const url = new URL(target, publicOrigin)
  // On the way to an app `target` is the sign-in that goes on there.
  const leadsTo = formTargets(visit, [url.origin, url.searchParams.get('for') ?? undefined])
  return renderLocalSignIn(
    { requestId, head, action: LOCAL_PATH, returnTo: target, problem, leadsTo },
    brand,
  )
}

/** What the form says, and what it would send. */
function asJson(visit: Visit, target: string, problem: string | undefined): Reaction {
  const { requestId, head } = visit
  const value = { fields: ['name', 'password', 'rd'], rd: target, request_id: requestId }
  if (problem === undefined) return renderJson(200, value, head)
  return renderJson(401, { error: 'SIGN_IN_REQUIRED', message: problem, ...value }, head)
}
