/** What is in force at one moment: config and compiled routes, one immutable value that is swapped whole. */

import type { Route } from '../policy/route.ts'
import type { RouteTable } from '../routing/route-table.ts'
import type { EpochMs } from '../support/time.ts'
import type { Config } from './schema.ts'

export interface Snapshot {
  /** Hash of everything that was read: the same files give the same revision. */
  readonly revision: string
  readonly loadedAt: EpochMs
  readonly config: Config
  readonly table: RouteTable<Route>
}
