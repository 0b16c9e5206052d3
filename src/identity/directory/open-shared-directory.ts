/** What replicas share of their directories where sessions are kept in Redis; else each process asks for itself. */

import type { StoreLocation } from '../../config/snapshot.ts'
import type { Clock } from '../../support/time.ts'
import type { Siblings } from '../store/session-store.ts'
import type { SharedDirectory } from './directory-shared.ts'
import { createSiblingDirectory } from './sibling-directory.ts'

export interface SharedDirectoryOptions {
  readonly secrets: () => readonly Uint8Array[]
  readonly now: Clock
  /** Other processes of this machine, where there are any. */
  readonly siblings: Siblings | undefined
}

export async function openSharedDirectory(
  location: StoreLocation,
  options: SharedDirectoryOptions,
): Promise<SharedDirectory | undefined> {
  if (location.kind !== 'redis') {
    return options.siblings === undefined ? undefined : createSiblingDirectory(options.siblings)
  }
  // Its client takes a tenth of a second to load, which only those wait for who use it.
  const { openRedisCounter } = await import('../store/redis-counter.ts')
  const { openRedisDirectory } = await import('./redis-directory.ts')
  const counter = openRedisCounter(location, options)
  return openRedisDirectory(location, { ...options, counter })
}
