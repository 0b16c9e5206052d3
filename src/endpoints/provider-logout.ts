/** `/.gatehouse/backchannel_logout/NAME` and `/.gatehouse/frontchannel_logout/NAME`: the provider's own session has ended. */

import { readLogoutToken } from '../identity/provider/logout-token.ts'
import type { Provider } from '../identity/provider/provider.ts'
import { TokenRefused } from '../identity/provider/signed-token.ts'
import { failure, malformed, type Reaction } from './reaction.ts'
import { answerSignal, emptyAnswer, endAndTell, endNamed } from './signal.ts'
import { single, type Visit } from './visit.ts'

/** OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8: from server to server, by a signed token. */
export function backchannelLogout(visit: Visit, provider: Provider): Promise<Reaction> {
  const act = async () => {
    const { logout_token: token } = visit.form
    if (typeof token !== 'string') throw new TokenRefused('the form has no one `logout_token`')
    const logout = await readLogoutToken(provider, token)
    const end = async () => void (await endNamed(visit, provider, logout))
    const what = `logout\n${provider.name}\n${logout.jti}`
    if (await visit.sessions.once(what, logout.until, end)) return emptyAnswer(200)
    throw new TokenRefused('the token has been used before')
  }
  return answerSignal(visit, provider, act, () => refused(visit))
}

function refused(visit: Visit): Reaction {
  return failure(visit, 'BAD_TOKEN', { status: 400, form: 'json' })
}

/** Longer ones are of no provider, and anybody may send one. */
const MAX_SID = 256

/**
 * OpenID Connect Front-Channel Logout 1.0 §3: in a frame of the provider's page. Cookies of ours do not come with it, so
 * it is the session id that counts, which nobody else knows. Anybody may ask, so that nothing is kept of what they say.
 * @throws GatehouseError STORE_UNAVAILABLE; nothing ends later
 */
export async function frontchannelLogout(visit: Visit, provider: Provider): Promise<Reaction> {
  const iss = parameter(visit, 'iss')
  const sid = parameter(visit, 'sid')
  if (iss === undefined || sid === undefined || sid === '') {
    return malformed(visit, 'A logout needs `iss` and `sid`, each once.')
  }
  if (iss !== provider.issuer && iss !== provider.organisation) {
    return malformed(visit, 'The logout is of another issuer.')
  }
  if (sid.length > MAX_SID) return malformed(visit, 'The `sid` is too long.')
  await endAndTell(visit, provider, { by: 'sid', value: sid }, () =>
    visit.sessions.endOfSidNow(provider.name, sid),
  )
  return framedPage(new URL(provider.issuer).origin)
}

function parameter({ method, form, query }: Visit, name: string): string | undefined {
  if (method !== 'POST') return single(query, name)
  const value = form[name]
  return typeof value === 'string' ? value : undefined
}

/** An empty page that only the provider's own pages may frame. */
function framedPage(framer: string): Reaction {
  const body = '<!doctype html><html lang="en"><title>Signed out</title></html>\n'
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
      'content-security-policy': `default-src 'none'; frame-ancestors ${framer}`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
    body,
  }
}
