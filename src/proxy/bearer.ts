/** Who asks by an access token, on routes with `bearer`: a token that does not hold is refused, and nothing else is tried. */

import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { GatehouseError } from '../errors.ts'
import type { BearerSession } from '../identity/bearer-session.ts'
import type { Provider } from '../identity/provider/provider.ts'
import { TokenRefused } from '../identity/provider/signed-token.ts'
import { addressKey, type RateLimits } from '../identity/rate-limits.ts'
import type { RouteBearer } from '../policy/route.ts'
import type { Clock } from '../support/time.ts'

/** What is remembered of tokens that held, on whatever routes; about 2 KB each. Past it one is verified again. */
const MAX_KNOWN = 10_000
/** A key that the provider has withdrawn must not count for longer. */
const KNOWN_MS = 60_000

/** What a route asks of a token. */
type AskedToken = Pick<RouteBearer, 'provider' | 'audiences'>

/**
 * The session that `token` stands for as long as it lives. Rejects with GatehouseError BAD_TOKEN, RATE_LIMITED, or
 * ProviderFailure `unavailable` where nobody can tell.
 */
export type AdmitBearer = (
  token: string | undefined,
  bearer: AskedToken,
  address: string,
) => BearerSession | Promise<BearerSession>

export interface BearerOptions {
  readonly providers: ReadonlyMap<string, Provider>
  readonly rateLimits: Pick<RateLimits, 'count' | 'waitSeconds'>
  readonly now: Clock
  /** How many tokens are remembered; for tests. */
  readonly maxKnown?: number
}

interface Known {
  readonly session: BearerSession
  readonly until: number
}

export function createBearer(options: BearerOptions): AdmitBearer {
  const { providers, rateLimits, now, maxKnown = MAX_KNOWN } = options
  const known = new LRUCache<string, Known>({ max: maxKnown })
  // By what the route asks for: what holds for one audience or provider says nothing of another.
  const asks = new WeakMap<AskedToken, string>()
  const keyOf = (token: string, bearer: AskedToken): string => {
    let asked = asks.get(bearer)
    if (asked === undefined) {
      asked = `${JSON.stringify([bearer.provider, bearer.audiences])}\n`
      asks.set(bearer, asked)
    }
    return createHash('sha256').update(asked).update(token).digest('latin1')
  }

  const admit = async (token: string | undefined, bearer: AskedToken, address: string) => {
    const key = addressKey(address)
    const wait = rateLimits.waitSeconds('bearer_failures', key)
    if (wait !== undefined) throw limited(wait)
    try {
      if (token === undefined) throw new TokenRefused('the Authorization header holds no one token')
      const provider = providers.get(bearer.provider)
      if (provider === undefined) throw new TokenRefused('the provider is not configured')
      return await provider.admit(token, bearer.audiences)
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error
      const tooMany = await rateLimits.count('bearer_failures', key)
      throw tooMany === undefined ? error : limited(tooMany)
    }
  }

  return (token, bearer, address) => {
    if (token === undefined) return admit(token, bearer, address)
    const key = keyOf(token, bearer)
    const held = known.get(key)
    if (held !== undefined && now() < held.until && !held.session.ended) return held.session
    return admit(token, bearer, address).then((session) => {
      known.set(key, { session, until: now() + KNOWN_MS })
      return session
    })
  }
}

function limited(retryAfterSeconds: number): GatehouseError {
  return new GatehouseError('RATE_LIMITED', 'too many bearer tokens that do not hold', {
    retryAfterSeconds,
  })
}

const IS_BEARER = /^bearer(?![!#$%&'*+.^_`|~0-9a-z-])/i
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i

/**
 * What the Authorization headers of a request say: `undefined` where none is of the scheme Bearer, which is then the
 * app's own. RFC 6750 §2.1
 * @param authorization one line for each header
 */
export function readBearer(
  authorization: string | undefined,
): { readonly token: string | undefined } | undefined {
  if (authorization === undefined) return undefined
  const lines = authorization.split('\n')
  if (!lines.some((line) => IS_BEARER.test(line))) return undefined
  // Of two headers an app might read the other one.
  return { token: lines.length === 1 ? BEARER.exec(authorization)?.[1] : undefined }
}
