/** Bodies of 100 KB and of 1 GB, both ways: what a megabyte costs, and whether memory grows with the size. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { type Gatehouse, startGatehouse } from '../gatehouse.ts'
import type { Bench, BenchPart } from '../part.ts'
import { OTHER_CORE, startPinned } from '../processes.ts'

const KILOBYTE = 1_000
const GIGABYTE = 1_000_000_000

export const part: BenchPart = {
  about: '100 KB and 1 GB through Gatehouse both ways: CPU per MB, MB/s, memory',
  run: async (bench) => {
    const upstream = await freePort()
    const script = join(import.meta.dirname, '../programs/body-upstream.ts')
    const started = await startPinned(
      OTHER_CORE,
      [process.execPath, script, String(upstream)],
      (output) => output.includes('ready'),
    )
    bench.defer(started.stop)
    const gatehouse = await startGatehouse(bench.folder, { upstream })
    bench.defer(gatehouse.process.stop)
    for (const method of ['GET', 'POST']) {
      await send(bench, gatehouse, { method, size: 100 * KILOBYTE, times: 500, clients: 1 })
    }
    bench.print('| | MB/s | CPU ms/MB | memory before, most, after (MB) |')
    bench.print('|---|---|---|---|')
    for (const method of ['GET', 'POST']) {
      for (const clients of [1, 32]) {
        const transfer = { method, size: 100 * KILOBYTE, times: 2_000, clients }
        bench.print(await send(bench, gatehouse, transfer))
      }
      bench.print(await send(bench, gatehouse, { method, size: GIGABYTE, times: 1, clients: 1 }))
    }
  },
}

interface Transfer {
  readonly method: string
  /** Bytes of each body. */
  readonly size: number
  readonly times: number
  /** How many go on at once. */
  readonly clients: number
}

async function send(
  bench: Bench,
  gatehouse: Gatehouse,
  { method, size, times, clients }: Transfer,
): Promise<string> {
  const way = method === 'GET' ? 'down' : 'up'
  const name = `${times} × ${size / KILOBYTE} KB ${way}, ${clients} at once`
  bench.progress(name)
  const before = gatehouse.process.residentMegabytes()
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, gatehouse.process.residentMegabytes())
  }, 50)
  const cpu = gatehouse.process.cpuMicroseconds()
  const startedAt = performance.now()
  const script = join(import.meta.dirname, '../programs/body-client.ts')
  const { port, headers } = gatehouse
  const numbers = [size, times, clients].map(String)
  const settings = [String(port), method, ...numbers, JSON.stringify(headers)]
  const command = ['-c', String(OTHER_CORE), process.execPath, script, ...settings]
  const client = spawn('taskset', command, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(client, 'exit')
  clearInterval(watch)
  if (code !== 0) throw new Error(`${name}: the client ended with ${code}`)
  const seconds = (performance.now() - startedAt) / 1_000
  const megabytes = (size * times) / 1_000_000
  const used = (gatehouse.process.cpuMicroseconds() - cpu) / 1_000
  const memory = [before, most, gatehouse.process.residentMegabytes()].map((mb) => mb.toFixed(0))
  return `| ${name} | ${(megabytes / seconds).toFixed(0)} | ${(used / megabytes).toFixed(2)} | ${memory.join(', ')} |`
}
