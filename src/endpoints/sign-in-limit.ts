/** Sign-ins begun and ended are counted by address (`server.rate_limits.sign_in`): each asks a provider or the store. */

import { addressKey } from '../identity/rate-limits.ts'
import { failure, type Reaction } from './reaction.ts'
import type { Visit } from './visit.ts'

type Endpoint = (visit: Visit) => Reaction | Promise<Reaction>

/** `endpoint`, answering 429 where its visitor's address has come too often. */
export function signInLimited(endpoint: Endpoint): Endpoint {
  return async (visit) => {
    const wait = await visit.rateLimits.count('sign_in', addressKey(visit.clientAddress))
    return wait === undefined ? endpoint(visit) : rateLimited(visit, wait)
  }
}

/** The answer to whoever comes too often. @param retryAfterSeconds as `RateLimits.count` returns it */
export function rateLimited(visit: Visit, retryAfterSeconds: number): Reaction {
  return failure(visit, 'RATE_LIMITED', { retryAfterSeconds })
}
