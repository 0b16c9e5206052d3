/** `/.gatehouse/sign_in`: begins a sign-in, or sends the browser on at once where it has a session that will do. */

import type { Provider } from '../identity/provider.ts'
import type { LiveSession } from '../identity/session.ts'
import { renderChooser } from '../pages/sign-in-pages.ts'
import { TEXTS } from '../pages/texts.ts'
import { sendToApp } from './hand-over.ts'
import { failure, malformed, type Reaction, redirect } from './reaction.ts'
import { returnUrl } from './return-url.ts'
import { routeProvider } from './route-provider.ts'
import { openSession } from './session-cookie.ts'
import { restartsInBrowser } from './sign-in-cookie.ts'
import { startAtProvider, startForApp } from './sign-in-start.ts'
import { openAppState, type Target } from './sign-in-state.ts'
import { signInUrl, type Wishes } from './sign-in-url.ts'
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
  const wanted = { ...wishes, provider }
  const session = await usableSession(visit, wanted)
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
  const session = await usableSession(visit, wishes)
  if (session !== undefined) return sendToApp(visit, session, origin, state)
  return atPublicUrl(visit, { kind: 'app', origin, state }, wishes)
}

async function atPublicUrl(visit: Visit, target: Target, wishes: Wishes): Promise<Reaction> {
  const provider = chosenProvider(visit, wishes)
  if (provider !== undefined) {
    return startAtProvider(visit, provider, target, wishes, restartsInBrowser(visit))
  }
  if (visit.providers.size === 0) {
    return failure(visit, 'INTERNAL', { text: TEXTS.noProvider })
  }
  const choices = [...visit.providers.values()].map(({ name, displayName }) => ({
    name: displayName,
    url: signInUrl('', target, { ...wishes, provider: name }),
  }))
  const site = target.kind === 'app' ? new URL(target.origin).host : undefined
  const { requestId, head } = visit
  return renderChooser({ requestId, head, choices, site }, visit.brand)
}

/** The one that was asked for, or the only one. */
function chosenProvider({ providers }: Visit, wishes: Wishes): Provider | undefined {
  if (wishes.provider !== undefined) return providers.get(wishes.provider)
  return providers.size === 1 ? [...providers.values()][0] : undefined
}

async function usableSession(visit: Visit, wishes: Wishes): Promise<LiveSession | undefined> {
  if (wishes.renew) return undefined
  const session = await openSession(visit)
  if (session === undefined) return undefined
  if (wishes.provider !== undefined && session.record.provider !== wishes.provider) return undefined
  visit.sessions.seen(session)
  return session
}

/** Only these parameters are taken from the address, whatever else a foreign link puts there. */
function readWishes({ query }: Visit): Wishes {
  const hint = single(query, 'login_hint')
  const isPlain = hint !== undefined && hint.length <= MAX_LOGIN_HINT && !/\p{C}/u.test(hint)
  return {
    provider: single(query, 'provider'),
    loginHint: isPlain && hint !== '' ? hint : undefined,
    renew: single(query, 'switch') === 'true',
  }
}
