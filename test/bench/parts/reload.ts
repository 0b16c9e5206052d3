/** Ten thousand routes are reloaded under load: no request may fail, and p99 may at most double. */

import { writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { startUpstream } from '../forwarders.ts'
import { type Gatehouse, type GatehouseOptions, policies, startGatehouse } from '../gatehouse.ts'
import { runLoad, runPaced } from '../load.ts'
import type { Bench, BenchPart } from '../part.ts'
import { median, quantile } from '../processes.ts'

const CONNECTIONS = 32

export const part: BenchPart = {
  about: 'a reload under half load; settings routes, rounds, seconds (of each round)',
  run: async (bench) => {
    const routes = Number(bench.settings.get('routes') ?? 10_000)
    const rounds = Number(bench.settings.get('rounds') ?? 3)
    const seconds = Number(bench.settings.get('seconds') ?? 15)
    const upstream = await startUpstream(bench.folder)
    bench.defer(upstream.process.stop)
    const options = { upstream: upstream.port, routes }
    const gatehouse = await startGatehouse(bench.folder, options)
    bench.defer(gatehouse.process.stop)
    const { perSecond } = await runLoad(gatehouse, { connections: CONNECTIONS, seconds: 5 })
    const quiet: number[] = []
    const reloading: number[] = []
    const longest: number[] = []
    const took: number[] = []
    for (let i = 1; i <= rounds; i++) {
      bench.progress(`round ${i} of ${rounds}`)
      const load = { connections: CONNECTIONS, seconds, perSecond: perSecond / 2 }
      quiet.push(quantile(await latencies(gatehouse, load), 0.99))
      const loaded = latencies(gatehouse, load)
      took.push(await reload(bench, gatehouse, options, i))
      const during = await loaded
      reloading.push(quantile(during, 0.99))
      longest.push(Math.max(...during))
    }
    const cells = [quiet, reloading, longest].map((values) => median(values).toFixed(2))
    bench.print(`${routes} routes, ${(perSecond / 2).toFixed(0)} requests a second, none failed\n`)
    bench.print('| p99 ms | p99 ms with a reload | slowest ms with a reload | reload s |')
    bench.print('|---|---|---|---|')
    bench.print(`| ${cells.join(' | ')} | ${median(took).toFixed(1)} |`)
  },
}

async function latencies(
  gatehouse: Gatehouse,
  load: Parameters<typeof runPaced>[1],
): Promise<readonly number[]> {
  const result = await runPaced(gatehouse, load)
  if (result.failed > 0) throw new Error(`${result.failed} requests failed`)
  return result.latencies
}

/** @returns seconds from the edit until the new policies are in force */
async function reload(
  bench: Bench,
  gatehouse: Gatehouse,
  options: GatehouseOptions,
  round: number,
): Promise<number> {
  await wait(1_000)
  const status = async () =>
    (await (await fetch(`http://127.0.0.1:${gatehouse.adminPort}/config`)).json()) as {
      readonly revision: string
    }
  const { revision } = await status()
  const routeSettings = `\n    description: round ${round}`
  const startedAt = performance.now()
  writeFileSync(gatehouse.policyFile, policies({ ...options, routeSettings }))
  while ((await status()).revision === revision) {
    const seconds = (performance.now() - startedAt) / 1_000
    if (seconds > 60) throw new Error('not reloaded within a minute')
    bench.progress(`reloads for ${seconds.toFixed(0)} s`)
    await wait(200)
  }
  return (performance.now() - startedAt) / 1_000
}
