/** `/.gatehouse/security_events/NAME`: events that a Shared Signals transmitter pushes (RFC 8935). */

import type { Provider } from '../identity/provider/provider.ts'
import { readSecurityEvent } from '../identity/provider/security-event.ts'
import { type RefusalReason, TokenRefused } from '../identity/provider/signed-token.ts'
import { renderJson } from '../pages/render.ts'
import type { Reaction } from './reaction.ts'
import { answerSignal, emptyAnswer, endNamed } from './signal.ts'
import type { Visit } from './visit.ts'

export const EVENTS_PATH = '/.gatehouse/security_events/'

export function securityEvents(visit: Visit, provider: Provider): Promise<Reaction> {
  const act = async () => {
    const token = visit.body?.trim()
    if (token === undefined || token === '') throw new TokenRefused('the request has no token')
    // A transmitter chooses the audience of its stream by itself; these three can mean nobody else.
    const { publicOrigin, now } = visit
    const address = `${publicOrigin}${EVENTS_PATH}${provider.name}`
    const audiences = [provider.clientId, publicOrigin, address]
    const { jti, until, events, ends } = await readSecurityEvent(provider, token, audiences, now)
    const act = async () => {
      for (const sessions of ends) await endNamed(visit, provider, sessions)
    }
    // RFC 8935 §2: what comes again is answered as if it came for the first time.
    const isNew = await visit.sessions.once(`event\n${provider.name}\n${jti}`, until, act)
    visit.log.info(
      { request_id: visit.requestId, provider: provider.name, events, again: !isNew },
      'security event received',
    )
    return emptyAnswer(202)
  }
  return answerSignal(visit, provider, act, (why) => refuseEvent(why.reason))
}

/** RFC 8935 §2.3 and §2.4 */
const ERRORS: Readonly<Record<RefusalReason, readonly [string, string]>> = {
  issuer: ['invalid_issuer', 'The issuer of the event is not the one of this provider.'],
  audience: ['invalid_audience', 'The event is for somebody else.'],
  key: ['invalid_key', 'The signature is by no key that the issuer publishes.'],
  other: ['invalid_request', 'The event could not be read or verified.'],
}

export function refuseEvent(reason: RefusalReason): Reaction {
  const [err, description] = ERRORS[reason]
  return renderJson(400, { err, description }, false)
}
