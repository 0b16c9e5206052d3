/** Composition root: a config file becomes a running gateway, of one process or of several. */

import type { Gateway, GatewayOptions } from './app/gateway.ts'
import type { Ingress } from './app/ingress.ts'
import { workerCount } from './app/worker-count.ts'
import { type LoadResult, loadSnapshot } from './config/load.ts'
import type { Snapshot } from './config/snapshot.ts'
import { formatProblem, type Problem } from './support/problem.ts'

export type { Gateway, GatewayOptions }

/** The config or the policies cannot be used: every reason, in the form that people read. */
export class BadConfig extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.name = 'BadConfig'
    this.problems = problems
  }
}

/** @throws BadConfig; or Error with a sentence for people where an address, the store or the cluster cannot be had */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  if (options.kubernetes !== true) return start(options, undefined)
  const { openIngress } = await import('./app/ingress.ts')
  const ingress = await openIngress(options)
  try {
    return await start(options, ingress)
  } catch (error) {
    ingress.close()
    throw error
  }
}

async function start(options: GatewayOptions, ingress: Ingress | undefined): Promise<Gateway> {
  const { configFile, env, now, overrides, workerProgram } = options
  const load = async (keep: boolean, previous?: Snapshot): Promise<LoadResult> => {
    const offers = ingress?.offers
    const how = { configFile, env, now, previous, ...overrides, keep, offers }
    const result = await loadSnapshot(how)
    return ingress?.loaded(result) ?? result
  }
  const { snapshot, ...rest } = await load(workerProgram !== undefined)
  if (snapshot === undefined) throw new BadConfig(rest.problems)
  const count = workerCount(snapshot)
  const first = { ...rest, snapshot }
  // Loaded only now: who supervises workers needs little of what they need.
  if (count === 1) {
    const { startOneProcess } = await import('./app/one-process.ts')
    return startOneProcess(first, (previous) => load(false, previous), { ...options, ingress })
  }
  if (workerProgram === undefined) {
    throw new Error('several workers cannot be started here: set `server.workers: 1`')
  }
  const { startPrimary } = await import('./app/cluster/primary.ts')
  return startPrimary(first, (previous) => load(true, previous), {
    ...options,
    workerProgram,
    count,
    ingress,
  })
}
