/** `gatehouse worker`: one of the processes that `serve` starts for `server.workers`. Not for people. */

import type { ParentProcess } from '../app/cluster/worker-link.ts'
import type { AddCommand } from './io.ts'
import type { Signals } from './signals.ts'

export type { ParentProcess }

export const WORKER_COMMAND = 'worker'

/** @param parent `undefined` where no process has started this one to speak with it */
export function createWorkerCommand(
  signals: Signals,
  parent: ParentProcess | undefined,
): AddCommand {
  return (program, io, done) => {
    program
      .command(WORKER_COMMAND, { hidden: true })
      .description('Serves requests for `gatehouse serve`, which starts it.')
      .action(async () => {
        if (parent === undefined) {
          io.stderr('gatehouse: `worker` is started by `serve` alone; set `server.workers`\n')
          return done(2)
        }
        // A Ctrl-C, or a service manager, tells all processes at once; what follows from it the primary decides.
        for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const) {
          signals.on(signal, () => undefined)
        }
        const { runWorker } = await import('../app/cluster/worker.ts')
        await runWorker(parent, io.now)
        parent.disconnect()
        done(0)
      })
  }
}
