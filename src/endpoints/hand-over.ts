/** How an app's host gets the session that was made at `public_url`: a code that works once, there, in that browser. */

import type { LiveSession } from '../identity/session.ts'
import { TEXTS } from '../pages/texts.ts'
import { type CookieChange, malformed, type Reaction, redirect } from './reaction.ts'
import { endReplaced, openSession, sessionCookie } from './session-cookie.ts'
import { endInBrowser, proofsInBrowser } from './sign-in-cookie.ts'
import { restartSignIn } from './sign-in-restart.ts'
import { startForApp } from './sign-in-start.ts'
import { handOverBinding, isStale, openAppState } from './sign-in-state.ts'
import { NO_WISHES } from './sign-in-url.ts'
import { routeProvider } from './target-route.ts'
import { single, type Visit } from './visit.ts'

const CALLBACK_PATH = '/.gatehouse/callback'

/** On `public_url`: back to the app's host, with a code for `session` that is bound to it and to its `state`. */
export async function sendToApp(
  visit: Visit,
  session: LiveSession,
  origin: string,
  state: string,
  cookies: readonly CookieChange[] = [],
): Promise<Reaction> {
  const host = new URL(origin).hostname
  const code = await visit.sessions.issueHandOver(session, host, handOverBinding(state))
  return redirect(`${origin}${CALLBACK_PATH}?${new URLSearchParams({ code, state })}`, cookies)
}

/** On an app's host: takes the session over, and sends the browser where it wanted to go. */
export async function appCallback(visit: Visit): Promise<Reaction> {
  const code = single(visit.query, 'code')
  const text = single(visit.query, 'state')
  if (code === undefined || text === undefined) return malformed(visit, TEXTS.answerMalformed)
  const state = openAppState(visit, text, visit.host.name)
  if (state === undefined) return restartSignIn(visit, undefined, 'foreign state')
  const { target, restarts } = state
  const again = {
    restarts,
    begin: (more: readonly number[]) => {
      const provider = routeProvider(visit, target)
      const wishes = { ...NO_WISHES, provider, stepUp: state.stepUp }
      return startForApp(visit, target, wishes, more)
    },
  }
  if (isStale(visit, state)) return restartSignIn(visit, again, 'stale state')
  if (proofsInBrowser(visit, state.id, state.binding) === undefined) {
    return restartSignIn(visit, again, 'no sign-in cookie, or a foreign one')
  }
  // Before the code is spent: where the store is down, the same address works again once it is back.
  const previous = await openSession(visit)
  const session = await visit.sessions.redeemHandOver(code, visit.host.name, handOverBinding(text))
  if (session === undefined) return restartSignIn(visit, again, 'hand-over code does not hold')
  if (previous !== undefined && isOfAnother(previous, session)) await endReplaced(visit, previous)
  return redirect(target, [sessionCookie(visit, session), ...endInBrowser(visit, state.id)])
}

/** Sessions of one person in several tabs live side by side until the last cookie of each is gone. */
function isOfAnother(previous: LiveSession, session: LiveSession): boolean {
  const [a, b] = [previous.record, session.record]
  return a.provider !== b.provider || a.sub !== b.sub
}
