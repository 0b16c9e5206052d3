/** What is in force at one moment: config and compiled routes, one immutable value that is swapped whole. */

import type { Route } from '../policy/route.ts'
import type { RouteTable } from '../routing/route-table.ts'
import type { Secret } from '../support/secret.ts'
import type { EpochMs } from '../support/time.ts'
import type { LocalAdmin } from './check-local-admins.ts'
import type { ListenAddress } from './check-server.ts'
import type { Logo } from './load-logo.ts'
import type { TlsKeyPair } from './load-tls.ts'
import type { Config } from './schema.ts'
import type { RedisLocation, StoreLocation, StoreNode } from './store-url.ts'

export interface Snapshot {
  /** Hash of everything that was read: the same files give the same revision. */
  readonly revision: string
  readonly loadedAt: EpochMs
  /** `server.public_url` is an origin in its canonical form; destinations in `logging` are streams or absolute paths. */
  readonly config: Config
  readonly table: RouteTable<Route>
  /** How many of its routes come from policy files. */
  readonly fileRoutes: number
  readonly listen: ListenAddress
  readonly adminListen: ListenAddress
  /** Undefined: none. */
  readonly redirectListen: ListenAddress | undefined
  /** Empty: http. Each key has been seen to fit its certificate. */
  readonly tls: readonly TlsKeyPair[]
  /** PEM of `server.client_ca`; undefined: clients are not asked for certificates. */
  readonly clientCa: string | undefined
  readonly store: StoreLocation
  /** 32 bytes or more each; never empty; the first seals, all open. */
  readonly sessionSecrets: readonly Uint8Array[]
  /** True where no secret is written and one was made for the life of this process. */
  readonly sessionSecretIsMade: boolean
  /** PKCS #8 PEM, ES256 or RS256; the first signs. Empty: one is made and kept in the store. */
  readonly signingKeys: readonly Secret[]
  readonly logo: Logo | undefined
  /** Who may sign in with a password. Most often nobody. */
  readonly localAdmins: readonly LocalAdmin[]
  /** PEM of each `ca_file`, by the provider's name. */
  readonly providerCas: ReadonlyMap<string, string>
}

export type { ListenAddress, LocalAdmin, Logo, RedisLocation, StoreLocation, StoreNode, TlsKeyPair }
