/** `/.gatehouse/sign_in`: begins a sign-in, or sends the browser on at once where it has a session that will do. */

import type { LiveSession } from '../identity/session.ts'
import { TEXTS } from '../pages/texts.ts'
import type { RouteSession } from '../policy/route.ts'
import { chooser, chosenProvider } from './chooser.ts'
import { sendToApp } from './hand-over.ts'
import { failure, malformed, type Reaction, redirect } from './reaction.ts'
import { returnUrl } from './return-url.ts'
import { openSession } from './session-cookie.ts'
import { restartsInBrowser } from './sign-in-cookie.ts'
import { startAtProvider, startForApp } from './sign-in-start.ts'
import { openAppState, type Target } from './sign-in-state.ts'
import type { Wishes } from './sign-in-url.ts'
import { askedProof, routeProvider, routeSession } from './target-route.ts'
import { single, type Visit } from './visit.ts'

const MAX_LOGIN_HINT = 256

export async function signIn(visit: Visit): Promise<Reaction> {
  const wishes = readWishes(visit)
  if (wishes.provider !== undefined && !visit.providers.has(wishes.provider)) {
    return malformed(visit, TEXTS.noSuchProvider)
  }
  if (visit.isPublicUrl && visit.query.has('for')) return signInForApp(visit, wishes)

  const target = returnUrl(single(visit.query, 'rd'), visit.served.has)
  const provider = wishes.provider ?? routeProvider(visit, target)
  const wanted = await withStepUp(visit, { ...wishes, provider })
  const session = await usableSession(visit, wanted, routeSession(visit, target))
  if (session !== undefined) return redirect(target)
  if (visit.isPublicUrl) return atPublicUrl(visit, { kind: 'here', url: target }, wanted)
  return startForApp(visit, target, wanted, restartsInBrowser(visit))
}

/** A browser that comes from an app's host, with the state in which it will go back there. */
async function signInForApp(visit: Visit, wishes: Wishes): Promise<Reaction> {
  const origin = single(visit.query, 'for') ?? ''
  const state = single(visit.query, 'state') ?? ''
  if (!visit.served.has(origin) || origin === visit.publicOrigin) {
    return malformed(visit, TEXTS.noSuchApp)
  }
  const appState = openAppState(visit, state, new URL(origin).hostname)
  if (appState === undefined) return malformed(visit, TEXTS.signInStateBroken)
  const wanted = { ...wishes, stepUp: appState.stepUp }
  const limits = routeSession(visit, appState.target, origin)
  const session = await usableSession(visit, wanted, limits)
  if (session !== undefined) return sendToApp(visit, session, origin, state)
  return atPublicUrl(visit, { kind: 'app', origin, state }, wanted)
}

async function atPublicUrl(visit: Visit, target: Target, wishes: Wishes): Promise<Reaction> {
  if (visit.providers.size === 0) {
    return failure(visit, 'INTERNAL', { text: TEXTS.noProvider })
  }
  const provider = chosenProvider(visit, wishes)
  if (provider === undefined) return chooser(visit, target, wishes)
  return startAtProvider(visit, provider, target, wishes, restartsInBrowser(visit))
}

/** A step-up proves the person who is signed in, so it goes to the provider that knows them. */
async function withStepUp(visit: Visit, wishes: Wishes): Promise<Wishes> {
  const path = single(visit.query, 'step_up')
  const stepUp = path === undefined ? undefined : askedProof(visit, path)
  if (stepUp === undefined) return wishes
  const known = wishes.provider ?? (await openSession(visit))?.record.provider
  const provider = known !== undefined && visit.providers.has(known) ? known : undefined
  return { ...wishes, provider, stepUp }
}

/** A session that is there and will do. @param limits those of the route that it is for */
export async function usableSession(
  visit: Visit,
  wishes: Wishes,
  limits: RouteSession | undefined,
): Promise<LiveSession | undefined> {
  if (wishes.renew || wishes.stepUp !== undefined) return undefined
  const session = await openSession(visit)
  if (session === undefined) return undefined
  if (wishes.provider !== undefined && session.record.provider !== wishes.provider) return undefined
  if (limits !== undefined && !(await visit.sessions.isWithin(session, limits))) return undefined
  visit.sessions.seen(session)
  return session
}

/** Only these parameters are taken from the address, whatever else a foreign link puts there. */
function readWishes({ query }: Visit): Wishes {
  return {
    provider: single(query, 'provider'),
    loginHint: readLoginHint(query),
    renew: single(query, 'switch') === 'true',
    stepUp: undefined,
  }
}

/** Whom to suggest to the provider; what no name or address can be is left out. */
export function readLoginHint(query: URLSearchParams): string | undefined {
  const hint = single(query, 'login_hint')
  const isPlain = hint !== undefined && hint.length <= MAX_LOGIN_HINT && !/\p{C}/u.test(hint)
  return isPlain && hint !== '' ? hint : undefined
}
