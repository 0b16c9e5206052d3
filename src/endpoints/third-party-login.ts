/**
 * A sign-in that somebody else begins: the provider's dashboard, or a link that was handed out (OpenID Connect Core §4).
 * Nothing in it proves anything: it only says where to begin.
 */

import type { Provider } from '../identity/provider/provider.ts'
import { TEXTS } from '../pages/texts.ts'
import { malformed, type Reaction, redirect } from './reaction.ts'
import { returnUrl } from './return-url.ts'
import { readLoginHint, usableSession } from './sign-in.ts'
import { restartsInBrowser } from './sign-in-cookie.ts'
import { startAtProvider } from './sign-in-start.ts'
import { NO_WISHES } from './sign-in-url.ts'
import { routeSession } from './target-route.ts'
import { single, type Visit } from './visit.ts'

const LOGIN_PATH = '/.gatehouse/login/'
/** All that is taken; an ID token that some providers send along is none of it. */
const PARAMETERS = ['iss', 'login_hint', 'target_link_uri'] as const

/** The provider whose stable login URL the visitor asks for. */
export function namedProvider({ path, providers }: Visit): Provider | undefined {
  if (!path.decoded.startsWith(LOGIN_PATH)) return undefined
  return providers.get(path.decoded.slice(LOGIN_PATH.length))
}

/** With `iss` it comes from the provider, and a sign-in begins afresh; without, a session that is there will do. */
export async function thirdPartyLogin(visit: Visit, provider: Provider): Promise<Reaction> {
  const { query } = visit
  if (PARAMETERS.some((name) => query.getAll(name).length > 1)) {
    return malformed(visit, TEXTS.loginMalformed)
  }
  const issuer = single(query, 'iss')
  if (issuer !== undefined && !isIssuer(provider, issuer)) {
    return malformed(visit, TEXTS.loginOfAnother)
  }
  const target = returnUrl(single(query, 'target_link_uri'), visit.served.has)
  const wishes = { ...NO_WISHES, provider: provider.name, loginHint: readLoginHint(query) }
  const limits = routeSession(visit, target)
  const session = issuer === undefined ? await usableSession(visit, wishes, limits) : undefined
  if (session !== undefined) return redirect(target)
  const here = { kind: 'here', url: target } as const
  return startAtProvider(visit, provider, here, wishes, restartsInBrowser(visit))
}

/** Whether a form at a redirect path is meant to begin a sign-in: it names an issuer, or brings an ID token unasked. */
export function beginsLogin({ form }: Visit): boolean {
  const has = (name: string) => Object.hasOwn(form, name)
  return (has('iss') || has('id_token')) && !has('code') && !has('error')
}

/** Cookies do not come along with a form of another site: the browser is sent on to where it brings them. */
export function postedLogin(visit: Visit, provider: Provider): Reaction {
  const parameters = new URLSearchParams()
  for (const name of PARAMETERS) {
    const value = visit.form[name]
    if (value === undefined) continue
    if (typeof value !== 'string') return malformed(visit, TEXTS.loginMalformed)
    parameters.set(name, value)
  }
  const query = parameters.size === 0 ? '' : `?${parameters}`
  return redirect(`${LOGIN_PATH}${provider.name}${query}`, [], 303)
}

/** Okta's dashboard names the organisation, whichever of its authorization servers the app uses. */
function isIssuer({ issuer }: Provider, given: string): boolean {
  if (given === issuer) return true
  const { origin } = new URL(issuer)
  return given === origin || given === `${origin}/`
}
