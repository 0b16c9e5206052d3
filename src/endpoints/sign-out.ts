/**
 * `/.gatehouse/sign_out`: GET asks, POST does. This session ends on all hosts, then the provider's own. The own page also
 * ends other sessions of the same person by it: one (`session`), or all (`everywhere`).
 */

import { GatehouseError } from '../errors.ts'
import type { Provider } from '../identity/provider/provider.ts'
import type { LiveSession, SessionTokens } from '../identity/session.ts'
import { EndsUnfinished, isStoreAway } from '../identity/unfinished-ends.ts'
import { renderJson } from '../pages/render.ts'
import { renderSignOutQuestion } from '../pages/sign-in-pages.ts'
import { TEXTS } from '../pages/texts.ts'
import { formTargets } from './form-targets.ts'
import { failure, type Reaction, redirect } from './reaction.ts'
import { returnUrl } from './return-url.ts'
import { clearedSessionCookie, openSession, sessionCookieOf } from './session-cookie.ts'
import { sealSignOutState } from './sign-out-state.ts'
import { single, type Visit, wantsJson } from './visit.ts'

export const SIGN_OUT_PATH = '/.gatehouse/sign_out'
export const SIGNED_OUT_PATH = '/.gatehouse/signed_out'
export const OWN_PAGE_PATH = '/.gatehouse/'

/** Asks; nothing happens by a link or an image. */
export async function askSignOut(visit: Visit): Promise<Reaction> {
  const returnTo = returnTarget(visit, single(visit.query, 'rd'))
  const session = await openSession(visit)
  if (session === undefined) return redirect(returnTo ?? SIGNED_OUT_PATH)
  const provider = visit.providers.get(session.record.provider)
  // With the same hint as the sign-out itself: without one a provider is said to offer none.
  const idToken = await visit.sessions.idToken(session)
  const providerUrl = await endSessionUrl(visit, provider, idToken, undefined)
  if (wantsJson(visit)) {
    const value = { signed_in: true, subject: session.record.sub, return_to: returnTo ?? null }
    return renderJson(200, { ...value, request_id: visit.requestId }, visit.head)
  }
  return renderSignOutQuestion(
    {
      requestId: visit.requestId,
      head: visit.head,
      person: session.subject,
      action: SIGN_OUT_PATH,
      returnTo,
      stayUrl: OWN_PAGE_PATH,
      provider: providerUrl === undefined ? undefined : provider?.displayName,
      leadsTo: formTargets(visit, [providerUrl, provider?.issuer, returnTo]),
    },
    visit.brand,
  )
}

/** Does it, when our own page asks. */
export async function signOut(visit: Visit): Promise<Reaction> {
  if (!isFromOwnPage(visit)) {
    return failure(visit, 'ACCESS_DENIED', {
      text: TEXTS.signOutElsewhere,
      form: visit.accept.includes('text/html') ? 'page' : 'json',
    })
  }
  const { rd } = visit.form
  const returnTo = returnTarget(visit, typeof rd === 'string' ? rd : single(visit.query, 'rd'))
  const cookies = [clearedSessionCookie(visit)]
  const { session: chosen, everywhere } = visit.form
  if (typeof chosen === 'string' || everywhere === 'true') {
    const isDone = await endOthers(visit, everywhere === 'true' ? undefined : String(chosen))
    if (isDone) return redirect(OWN_PAGE_PATH, [], 303)
  }
  const ended = await endSession(visit)
  if (ended === undefined) return redirect(returnTo ?? SIGNED_OUT_PATH, cookies, 303)
  const { session, tokens } = ended
  noteSignOut(visit, session)
  const provider = visit.providers.get(session.record.provider)
  if (tokens !== undefined) revokeAtProvider(visit, provider, tokens)
  const state = returnTo === undefined ? undefined : sealSignOutState(visit, returnTo)
  const providerUrl = await endSessionUrl(visit, provider, tokens?.idToken, state)
  return redirect(providerUrl ?? returnTo ?? SIGNED_OUT_PATH, cookies, 303)
}

/** @throws GatehouseError STORE_UNAVAILABLE; the session then ends as soon as the store lets it */
async function endSession(visit: Visit) {
  try {
    const session = await openSession(visit)
    if (session === undefined) return undefined
    const tokens = await visit.sessions.tokens(session)
    await visit.sessions.end(session)
    return { session, tokens }
  } catch (cause) {
    if (!isStoreAway(cause)) throw cause
    visit.audit({
      event: 'sign_out',
      outcome: 'failed',
      by: 'person',
      reason: 'store-unavailable',
    })
    const cookie = sessionCookieOf(visit)
    if (cookie !== undefined && !(cause instanceof EndsUnfinished)) {
      visit.sessions.endLater(cookie, visit.host.name, cause)
    }
    const options = { cause, text: TEXTS.signOutLater }
    throw new GatehouseError('STORE_UNAVAILABLE', 'a sign-out waits for the store', options)
  }
}

/**
 * Ends the session of this id, or all but this one; those of the same person at the same provider, and of nobody else,
 * whatever the form says. True where that was all that was asked.
 */
async function endOthers(visit: Visit, chosen: string | undefined): Promise<boolean> {
  const session = await openSession(visit)
  if (session === undefined || session.id === chosen) return false
  const { provider, sub } = session.record
  const others = (await visit.sessions.listOf(provider, sub)).filter(
    ({ id }) => id !== session.id && (chosen === undefined || id === chosen),
  )
  await Promise.all(
    others.map(async ({ id }) => {
      if (await visit.sessions.endById(id)) noteSignOut(visit, { id, record: session.record })
    }),
  )
  return chosen !== undefined
}

/** `Sec-Fetch-Site` cannot be forged by a page; a browser that does not send it sends `Origin` with a POST. */
function isFromOwnPage({ fetchSite, originHeader, origin }: Visit): boolean {
  if (fetchSite !== undefined) return fetchSite === 'same-origin'
  return originHeader === origin
}

/** Absolute, because it may be followed from another host than this one. */
function returnTarget(visit: Visit, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  return new URL(returnUrl(text, visit.served.has), visit.origin).href
}

/** A provider that cannot be reached keeps nobody signed in here. */
async function endSessionUrl(
  visit: Visit,
  provider: Provider | undefined,
  idToken: string | undefined,
  state: string | undefined,
): Promise<string | undefined> {
  try {
    return await provider?.endSessionUrl(idToken, state)
  } catch (error) {
    visit.log.warn(
      { request_id: visit.requestId, provider: provider?.name, err: error },
      'the sign-out at the provider is left out',
    )
    return undefined
  }
}

/** Nobody waits for it: what the provider makes of it changes nothing here. */
function revokeAtProvider(
  visit: Visit,
  provider: Provider | undefined,
  tokens: SessionTokens,
): void {
  provider?.revoke(tokens).catch((error: unknown) => {
    const detail = error instanceof Error ? error.message : 'unknown'
    visit.log.warn(
      { request_id: visit.requestId, provider: provider.name, detail },
      'the provider could not be told that a refresh token is no longer needed',
    )
  })
}

function noteSignOut(visit: Visit, { id, record }: Pick<LiveSession, 'id' | 'record'>): void {
  visit.audit({
    event: 'sign_out',
    outcome: 'success',
    by: 'person',
    provider: record.provider,
    subject: record.sub,
    email: record.email,
    session: id,
  })
}
