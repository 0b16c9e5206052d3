/** `/.gatehouse/global_token_revocation/NAME`: Okta's Universal Logout (draft-parecki-oauth-global-token-revocation). */

import { readRevocationToken } from '../identity/provider/logout-token.ts'
import type { Provider } from '../identity/provider/provider.ts'
import { TokenRefused } from '../identity/provider/signed-token.ts'
import { isObject, readSubjectId, type SessionsNamed } from '../identity/provider/subject-id.ts'
import { failure, type Reaction } from './reaction.ts'
import { answerSignal, emptyAnswer, endNamed } from './signal.ts'
import type { Visit } from './visit.ts'

export const REVOCATION_PATH = '/.gatehouse/global_token_revocation/'
const BEARER = /^bearer +([^\s,]+)$/i

export function globalTokenRevocation(visit: Visit, provider: Provider): Promise<Reaction> {
  const act = async () => {
    const [, token] = BEARER.exec(visit.authorization ?? '') ?? []
    if (token === undefined) throw new TokenRefused('the request has no bearer token')
    const endpoint = `${visit.publicOrigin}${REVOCATION_PATH}${provider.name}`
    const revocation = await readRevocationToken(provider, token, endpoint)
    if (revocation.client !== provider.clientId) {
      return failure(visit, 'ACCESS_DENIED', { form: 'json', text: NOT_THIS_CLIENT })
    }
    const sessions = readSubject(visit, provider)
    if (sessions === 'malformed') return failure(visit, 'MALFORMED_REQUEST', { form: 'json' })
    let ended = 0
    const end = async () => {
      if (sessions !== undefined) ended = await endNamed(visit, provider, sessions)
    }
    const what = `revocation\n${provider.name}\n${revocation.jti}`
    if (!(await visit.sessions.once(what, revocation.until, end))) {
      throw new TokenRefused('the token has been used before')
    }
    return ended > 0 ? emptyAnswer(204) : failure(visit, 'NO_ROUTE', { form: 'json', text: NOBODY })
  }
  return answerSignal(visit, provider, act, () => failure(visit, 'BAD_TOKEN', { form: 'json' }))
}

const NOT_THIS_CLIENT = 'The token was issued for another client.'
const NOBODY = 'Nobody of that name is signed in.'

/** `undefined`: somebody of another issuer, who is nobody here. */
function readSubject(visit: Visit, provider: Provider): SessionsNamed | undefined | 'malformed' {
  try {
    const body: unknown = JSON.parse(visit.body ?? '')
    const issuers = [provider.issuer, provider.organisation]
    return readSubjectId(isObject(body) ? body['sub_id'] : undefined, issuers)
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TokenRefused) return 'malformed'
    throw error
  }
}
