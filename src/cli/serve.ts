/** `gatehouse serve`: runs the gateway until a signal ends it. */

import { resolve } from 'node:path'
import type { WorkerProgram } from '../app/gateway.ts'
import type { Gateway, GatewayOptions } from '../app.ts'
import { DEFAULT_CONFIG } from './check.ts'
import type { AddCommand, Io } from './io.ts'
import { printProblems } from './print-problems.ts'
import { firstStop, type Signals } from './signals.ts'

/**
 * @param signals SIGTERM drains and ends, SIGINT without `drain_delay` and a second one at once, SIGHUP reloads and opens
 * log files anew, SIGUSR2 does the latter alone (SIGUSR1 is Node's)
 * @param workerProgram what runs the command `worker`; without it there is one process at the most
 */
export function createServeCommand(signals: Signals, workerProgram?: WorkerProgram): AddCommand {
  return (program, io, done) => {
    program
      .command('serve')
      .summary('run the gateway')
      .description(
        'Runs the gateway. SIGTERM drains and ends it, SIGINT does so without drain_delay, SIGHUP reloads and opens log files anew, SIGUSR2 only the latter.',
      )
      .option('--config <file>', `config file (default: ./${DEFAULT_CONFIG})`)
      .option(
        '--kubernetes',
        'serve the Ingresses of a cluster as well (docs/kubernetes-ingress.md)',
      )
      .addHelpText('after', '\nExit code 0 after SIGTERM, 2 on a bad config, 1 when it cannot run.')
      .action(async ({ config, kubernetes }: { config?: string; kubernetes?: boolean }) => {
        const options = {
          configFile: resolve(io.cwd, config ?? DEFAULT_CONFIG),
          env: io.env,
          now: io.now,
          kubernetes: kubernetes === true,
          ...(workerProgram === undefined ? {} : { workerProgram }),
        }
        done(await serve(options, signals, io))
      })
  }
}

async function serve(options: GatewayOptions, signals: Signals, io: Io): Promise<number> {
  // Before the start: as process 1 of a container the process would not even notice a signal that nobody listens to.
  const stop = firstStop(signals)
  let gateway: Gateway | undefined
  const offs = [
    // Rotations of other servers' logs send it, so that it is for both.
    signals.on('SIGHUP', () => {
      gateway?.reopenLogs()
      void gateway?.reload()
    }),
    signals.on('SIGUSR2', () => gateway?.reopenLogs()),
  ]
  // Everything that serving needs is loaded here, so that the other commands start without it.
  const { BadConfig, startGateway } = await import('../app.ts')
  const { giveBackMemory } = await import('../app/give-back-memory.ts')
  try {
    gateway = await startGateway({ ...options, onMade: giveBackMemory })
  } catch (cause) {
    if (cause instanceof BadConfig) {
      printProblems(cause.problems, io)
      return 2
    }
    io.stderr(`gatehouse: ${cause instanceof Error ? cause.message : String(cause)}\n`)
    return 1
  }
  const signal = await stop
  const isSecond = new Promise<'again'>((again) => signals.on('SIGINT', () => again('again')))
  const end = gateway.stop({ delay: signal === 'SIGTERM' })
  const result = await Promise.race([end, isSecond])
  for (const off of offs) off()
  return result === 'again' ? 1 : 0
}
