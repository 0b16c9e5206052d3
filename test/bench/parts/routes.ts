/** Ten routes against ten thousand: a request must cost the same. */

import { join } from 'node:path'
import { startUpstream } from '../forwarders.ts'
import { type Gatehouse, startGatehouse } from '../gatehouse.ts'
import { runLoad } from '../load.ts'
import type { BenchPart } from '../part.ts'
import { median } from '../processes.ts'

const COUNTS = [10, 10_000]
const CONNECTIONS = 32

export const part: BenchPart = {
  about: '10 routes against 10,000, end to end; settings rounds, seconds',
  run: async (bench) => {
    const rounds = Number(bench.settings.get('rounds') ?? 7)
    const seconds = Number(bench.settings.get('seconds') ?? 3)
    const upstream = await startUpstream(bench.folder)
    bench.defer(upstream.process.stop)
    const cases: { routes: number; gatehouse: Gatehouse; cpu: number[] }[] = []
    for (const routes of COUNTS) {
      bench.progress(`starts with ${routes} routes`)
      const options = { upstream: upstream.port, routes }
      const gatehouse = await startGatehouse(join(bench.folder, String(routes)), options)
      bench.defer(gatehouse.process.stop)
      await runLoad(gatehouse, { connections: CONNECTIONS, seconds })
      cases.push({ routes, gatehouse, cpu: [] })
    }
    for (let i = 1; i <= rounds; i++) {
      for (const { routes, gatehouse, cpu } of cases) {
        bench.progress(`round ${i} of ${rounds}: ${routes} routes`)
        cpu.push((await runLoad(gatehouse, { connections: CONNECTIONS, seconds })).cpu)
      }
    }
    bench.print('| routes | CPU µs/request | resident MB |')
    bench.print('|---|---|---|')
    for (const { routes, gatehouse, cpu } of cases) {
      const resident = gatehouse.process.residentMegabytes().toFixed(0)
      bench.print(`| ${routes} | ${median(cpu).toFixed(1)} | ${resident} |`)
    }
    const [few, many] = cases
    const ratios = few?.cpu.map((value, i) => (many?.cpu[i] ?? Number.NaN) / value) ?? []
    bench.print(`\nTen thousand cost ${median(ratios).toFixed(2)} times as much as ten.`)
  },
}
