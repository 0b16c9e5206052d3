/** A Redis store for tests, from a URL as people write it. */

import type { Test } from 'tap'
import { readStoreUrl } from '../../src/config/store-url.ts'
import { openStore } from '../../src/identity/store/open-store.ts'
import type { SessionStore } from '../../src/identity/store/session-store.ts'
import type { Every } from '../../src/support/every.ts'
import type { Clock } from '../../src/support/time.ts'
import { type Logged, recorder } from './session-fixture.ts'

export interface OpenRedisOptions {
  readonly now?: Clock
  readonly every?: Every
  /** What is logged is added here. */
  readonly logged?: Logged[]
}

/** Closed with the test. */
export async function openRedis(
  t: Test,
  url: string,
  { now = Date.now, logged = [], ...rest }: OpenRedisOptions = {},
): Promise<SessionStore> {
  const store = await openStore(readStoreUrl(url, '/'), { now, log: recorder(logged), ...rest })
  t.teardown(() => store.close())
  return store
}
