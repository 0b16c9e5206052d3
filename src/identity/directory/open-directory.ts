/** From what the config says of a provider's directory to the directory. */

import type { DirectoryConfig } from '../../config/schema-directory.ts'
import type { Every } from '../../support/every.ts'
import type { Log } from '../../support/log.ts'
import { readServiceAccount } from '../../support/service-account.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import { createServiceAppFetch } from '../provider/openid-service-app.ts'
import type { Fetch } from '../provider/provider-fetch.ts'
import type { Directory } from './directory.ts'
import { createDirectoryCache, type SharedAnswers } from './directory-cache.ts'
import type { OktaFetch } from './okta-answer.ts'
import { createOktaDirectory, type OktaResult } from './okta-directory.ts'

export interface OpenDirectoryOptions {
  readonly fetch: Fetch
  /** Ends the connections of `fetch`. */
  readonly closeFetch?: () => void
  readonly now: Clock
  readonly every?: Every
  readonly random?: () => number
  readonly log: Log
  readonly shared?: SharedAnswers | undefined
  readonly countShared?: ((window: string, seconds: number) => Promise<number>) | undefined
  /** Processes that ask on their own, each with its part of the share. */
  readonly processes?: number
  readonly onResult: (result: OktaResult) => void
  readonly onEnded: (sub: string) => void
}

export interface OpenedDirectory extends Directory {
  /** Calls left in the running window, as the directory last said. */
  remaining(): number | undefined
  /** The last call of this process, and how it came out. */
  lastCall(): { readonly result: OktaResult; readonly at: EpochMs } | undefined
}

const SCOPES = ['okta.users.read', 'okta.groups.read']

/** @param provider its name in the config */
export function openDirectory(
  provider: string,
  config: DirectoryConfig,
  options: OpenDirectoryOptions,
): OpenedDirectory {
  const { now, log, every, random, countShared, processes = 1 } = options
  let lastCall: { readonly result: OktaResult; readonly at: EpochMs } | undefined
  const onResult = (result: OktaResult) => {
    lastCall = { result, at: now() }
    options.onResult(result)
  }
  const origin = new URL(config.url).origin
  const source = createOktaDirectory({
    ...{ provider, origin, now, log, onResult },
    fetch: createOktaFetch(config, options),
    sharePercent: config.rate_limit_share / processes,
    keepAlive: config.service_app === undefined,
    ...(every === undefined ? {} : { every }),
    ...(random === undefined ? {} : { random }),
    ...(countShared === undefined ? {} : { countShared }),
  })
  const directory = createDirectoryCache({
    ...{ provider, source, now, log },
    shared: options.shared,
    refreshMs: config.refresh,
    maxStaleMs: config.max_stale,
    onEnded: options.onEnded,
    ...(every === undefined ? {} : { every }),
    ...(random === undefined ? {} : { random }),
  })
  return {
    ...directory,
    remaining: () => source.remaining(),
    lastCall: () => lastCall,
    close: () => {
      directory.close()
      options.closeFetch?.()
    },
  }
}

/** Asks with the credentials of the config. */
export function createOktaFetch(
  config: DirectoryConfig,
  { fetch, now }: Pick<OpenDirectoryOptions, 'fetch' | 'now'>,
): OktaFetch {
  const app = config.service_app
  if (app !== undefined) {
    return createServiceAppFetch({
      origin: new URL(config.url).origin,
      clientId: app.client_id,
      privateKey: app.private_key.reveal(),
      dpop: app.dpop,
      scopes: SCOPES,
      ...{ fetch, now },
    })
  }
  const token =
    config.api_token?.reveal() ?? readServiceAccount(config.service_account?.reveal() ?? '') ?? ''
  const headers = { accept: 'application/json', authorization: `SSWS ${token}` }
  return (url, signal) => fetch(url, { method: 'GET', redirect: 'manual', headers, signal })
}
