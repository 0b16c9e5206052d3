/** A gateway as whoever started it sees it, whether it is one process or several. */

import type { LoadOptions } from '../config/load.ts'
import type { Environment } from '../config/references.ts'
import type { ListenAddress } from '../config/snapshot.ts'
import type { Clock } from '../support/time.ts'

export interface GatewayOptions {
  /** Absolute. */
  readonly configFile: string
  readonly env: Environment
  readonly now: Clock
  /** In place of the file's `policies`, and texts in place of files; for the demo. */
  readonly overrides?: Pick<LoadOptions, 'policies' | 'readFile'>
  /** Serve the Ingresses of the cluster as well that `env` leads to. */
  readonly kubernetes?: boolean
  /** What workers run. Without it a config that asks for several is refused. */
  readonly workerProgram?: WorkerProgram
  /** Called once in this process, when all is made and nothing is served yet. */
  readonly onMade?: () => void
}

/** A program that calls `runWorker` of app/cluster/worker.ts. */
export interface WorkerProgram {
  /** Absolute. */
  readonly file: string
  readonly args: readonly string[]
  /** Node's own arguments. */
  readonly execArgv: readonly string[]
}

export interface Gateway {
  /** Where it listens, as the system says. */
  readonly address: ListenAddress
  readonly adminAddress: ListenAddress
  /** `undefined`: no `server.redirect_listen` is in force. */
  redirectAddress(): ListenAddress | undefined
  reload(): Promise<void>
  /** Logs go on in the files that are at their paths now: whoever rotates them has moved the old ones away. */
  reopenLogs(): void
  /** Ends in order. `delay`: still accept connections for `drain_delay`. */
  stop(options?: { readonly delay: boolean }): Promise<void>
}
