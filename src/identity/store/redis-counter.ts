/** Attempts counted in Redis for all replicas, over a connection of its own: a flood of them delays no session. */

import { RateLimiterRedis } from 'rate-limiter-flexible'
import type { RedisLocation } from '../../config/snapshot.ts'
import { type Every, every } from '../../support/every.ts'
import type { Clock } from '../../support/time.ts'
import type { SharedCounter } from '../rate-limits.ts'
import { openRedisLink, type RedisClient } from './redis-link.ts'

const KEY_PREFIX = 'gatehouse:rate'

export interface RedisCounterOptions {
  readonly now: Clock
  readonly every?: Every
}

export function openRedisCounter(
  location: RedisLocation,
  options: RedisCounterOptions,
): SharedCounter {
  // The store's connection to the same place tells the log when it is lost.
  const quiet = () => undefined
  const link = openRedisLink({
    location,
    every: options.every ?? every,
    onLost: quiet,
    onBack: quiet,
    onDoubt: quiet,
  })
  let limiter: RateLimiterRedis | undefined
  const limiterOver = (client: RedisClient) => {
    limiter ??= new RateLimiterRedis({
      storeClient: client,
      keyPrefix: KEY_PREFIX,
      // Who is past a limit is said by `RateLimits`, and each call brings its own window.
      points: Number.MAX_SAFE_INTEGER,
      duration: 60,
      rejectIfRedisNotReady: true,
    })
    return limiter
  }
  return {
    count: (key, seconds) =>
      link.ask(async (client) => {
        const { consumedPoints, msBeforeNext } = await limiterOver(client).penalty(key, 1, {
          customDuration: seconds,
        })
        return { count: consumedPoints, endsAt: options.now() + Math.max(0, msBeforeNext) }
      }),
    close: () => link.close(),
  }
}
