/** Ten minutes of requests of all kinds: memory must be flat, and nothing may fail. */

import { startUpstream } from '../forwarders.ts'
import { type Gatehouse, startGatehouse } from '../gatehouse.ts'
import { runLoad } from '../load.ts'
import type { BenchPart } from '../part.ts'
import { median } from '../processes.ts'

/** Allocators and caches fill in the first minutes of any process; what counts is what comes after. */
const WARM_UP_SHARE = 0.3
/** Growth from the second third to the last that is no noise of the collector, in MB. */
const TOLERATED_MB = 15

export const part: BenchPart = {
  about: 'memory over ten minutes of load; settings seconds (600)',
  run: async (bench) => {
    const seconds = Number(bench.settings.get('seconds') ?? 600)
    const upstream = await startUpstream(bench.folder)
    bench.defer(upstream.process.stop)
    const gatehouse = await startGatehouse(bench.folder, { upstream: upstream.port })
    bench.defer(gatehouse.process.stop)
    const samples: number[] = []
    let requests = 0
    const startedAt = performance.now()
    const elapsed = () => (performance.now() - startedAt) / 1_000
    for (let i = 0; elapsed() < seconds; i++) {
      requests += (await runLoad(kinds(gatehouse)[i % 3] ?? gatehouse, LOADS[i % 3] ?? LOADS[0]))
        .requests
      const resident = gatehouse.process.residentMegabytes()
      samples.push(resident)
      bench.progress(
        `${elapsed().toFixed(0)} of ${seconds} s, ${requests} requests, ${resident.toFixed(0)} MB`,
      )
    }
    const settled = samples.slice(Math.floor(samples.length * WARM_UP_SHARE))
    const half = Math.floor(settled.length / 2)
    const [early, late] = [median(settled.slice(0, half)), median(settled.slice(half))]
    bench.print(`${requests} requests in ${seconds} s, none failed`)
    bench.print(`resident memory: ${early.toFixed(0)} MB, then ${late.toFixed(0)} MB`)
    if (late - early > TOLERATED_MB) throw new Error('memory is not flat')
  },
}

const LOADS = [
  { connections: 64, seconds: 5 },
  { connections: 32, seconds: 2, headers: { Connection: 'close' } },
  { connections: 500, seconds: 3 },
] as const

/** Someone who is signed in, from connections that stay, that close, and many of them; paths that are all different. */
function kinds(gatehouse: Gatehouse): readonly Gatehouse[] {
  const other = (path: string) => ({ ...gatehouse, url: new URL(path, gatehouse.url).href })
  return [gatehouse, other('/d/abc%20d?x=1'), other(`/p/${Math.random()}`)]
}
