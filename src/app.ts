/** Composition root: a config file becomes a running gateway. start() and stop(), nothing else. */

import { type Logger, pino } from 'pino'
import { createClosing } from './app/closing.ts'
import { buildParts } from './app/parts.ts'
import { drain, startServers } from './app/servers.ts'
import { type LoadOptions, type LoadResult, loadSnapshot } from './config/load.ts'
import type { Environment } from './config/references.ts'
import { createSnapshotHolder } from './config/reload.ts'
import type { ListenAddress, Snapshot } from './config/snapshot.ts'
import { watchFiles } from './config/watch.ts'
import { proxySettings } from './identity/outgoing-fetch.ts'
import { formatProblem, type Problem } from './support/problem.ts'
import type { Clock } from './support/time.ts'

export interface GatewayOptions {
  /** Absolute. */
  readonly configFile: string
  readonly env: Environment
  readonly now: Clock
  /** In place of the file's `policies`, and texts in place of files; for the demo. */
  readonly overrides?: Pick<LoadOptions, 'policies' | 'readFile'>
}

export interface Gateway {
  /** Where it listens, as the system says. */
  readonly address: ListenAddress
  readonly adminAddress: ListenAddress
  /** `undefined`: no `server.redirect_listen` is in force. */
  redirectAddress(): ListenAddress | undefined
  reload(): Promise<void>
  /** Ends in order (product 6). `delay`: still accept connections for `drain_delay`. */
  stop(options?: { readonly delay: boolean }): Promise<void>
}

/** The config or the policies cannot be used: every reason, in the form that people read. */
export class BadConfig extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.name = 'BadConfig'
    this.problems = problems
  }
}

/** @throws BadConfig; or Error with a sentence for people where an address or the store cannot be had */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { configFile, env, now, overrides } = options
  const load = (previous: Snapshot | undefined): Promise<LoadResult> =>
    loadSnapshot({ configFile, env, now, previous, ...overrides })
  const { snapshot, stamps, problems } = await load(undefined)
  if (snapshot === undefined) throw new BadConfig(problems)
  const closing = createClosing()
  try {
    const log = createLogger(snapshot.config.logging.level)
    for (const problem of problems) log.warn(formatProblem(problem))
    const parts = await buildParts(snapshot, { now, log, closing, proxies: proxySettings(env) })
    const servers = await startServers(parts, () => holder.status())
    const holder = createSnapshotHolder({
      first: snapshot,
      stamps,
      load,
      configFile,
      now,
      log,
      onSwap: async (next) => (await parts.prepare(next)).commit(),
      onReload: (result) => parts.metrics.reloaded(result !== 'failed'),
    })
    const watch = watchFiles({
      stamps: holder.stamps,
      onChange: async () => void (await holder.reload()),
    })
    closing.push(() => watch.close())
    parts.life.ready = true
    log.info(
      { listen: servers.address, admin: servers.adminAddress, revision: snapshot.revision },
      'ready',
    )
    return {
      ...servers,
      reload: async () => void (await holder.reload()),
      stop: once(async ({ delay } = { delay: false }) => {
        await drain(parts, servers, delay)
        await closing.all()
        log.info('stopped')
      }),
    }
  } catch (error) {
    // Nothing is left half-started.
    await closing.all()
    throw error
  }
}

function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  )
}

/** The second call waits for the first. */
function once<A extends unknown[]>(
  stop: (...args: A) => Promise<void>,
): (...args: A) => Promise<void> {
  let running: Promise<void> | undefined
  return (...args) => {
    running ??= stop(...args)
    return running
  }
}
