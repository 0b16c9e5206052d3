/** Rate limits that count where sessions are kept, if that is shared by replicas. */

import type { StoreLocation } from '../config/snapshot.ts'
import { createRateLimits, type RateLimits, type RateLimitsOptions } from './rate-limits.ts'

export async function openRateLimits(
  location: StoreLocation,
  options: Omit<RateLimitsOptions, 'shared'>,
): Promise<RateLimits> {
  if (location.kind !== 'redis') return createRateLimits(options)
  // Its client takes a tenth of a second to load, which only those wait for who use it.
  const { openRedisCounter } = await import('./store/redis-counter.ts')
  return createRateLimits({ ...options, shared: openRedisCounter(location, options) })
}
