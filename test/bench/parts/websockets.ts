/** Idle WebSockets: what each of ten thousand takes of memory, and that all of them still carry messages. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { freePort } from '../../support/free-port.ts'
import { h2WebSocket } from '../../support/h2-web-socket.ts'
import { HOST } from '../candidate.ts'
import { type Gatehouse, startGatehouse } from '../gatehouse.ts'
import type { Bench, BenchPart } from '../part.ts'
import { OTHER_CORE, type Pinned, startPinned } from '../processes.ts'

/** Opened side by side. */
const AT_ONCE = 100
/** Opened before memory is measured, so that what all of them share is there. */
const FIRST = 200
const SPARE_FILES = 500

export const part: BenchPart = {
  about: 'memory of idle WebSockets; settings sockets (10000), http (1, or 2)',
  run: async (bench) => {
    const asked = Number(bench.settings.get('sockets') ?? 10_000)
    const upstream = await freePort()
    const script = join(import.meta.dirname, '../programs/web-socket-upstream.ts')
    const started = await startPinned(
      OTHER_CORE,
      [process.execPath, script, String(upstream)],
      (output) => output.includes('ready'),
    )
    bench.defer(started.stop)
    const gatehouse = await startGatehouse(bench.folder, {
      upstream,
      serverSettings: '\n  h2c: true',
      routeSettings: '\n    allow_websockets: true\n    idle_timeout: 0s',
    })
    bench.defer(gatehouse.process.stop)
    const sockets = allowed(bench, gatehouse.process, asked)
    const openMany = bench.settings.get('http') === '2' ? openOverHttp2 : openOverHttp1
    const open: WebSocket[] = []
    bench.defer(() => {
      for (const socket of open) socket.terminate()
    })
    open.push(...(await openMany(gatehouse, FIRST)))
    await echoAll(open)
    const cpu = gatehouse.process.cpuMicroseconds()
    const before = await settled(gatehouse)
    while (open.length < sockets + FIRST) {
      open.push(...(await openMany(gatehouse, AT_ONCE)))
      bench.progress(
        `${open.length} sockets, ${gatehouse.process.residentMegabytes().toFixed(0)} MB`,
      )
    }
    const opening = (gatehouse.process.cpuMicroseconds() - cpu) / sockets
    const after = await settled(gatehouse)
    const each = ((after - before) * 1_024) / sockets
    bench.print(
      `${sockets} idle WebSockets: ${each.toFixed(1)} KB each (${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after)`,
    )
    bench.print(`opening one: ${opening.toFixed(0)} µs of CPU`)
    const used = gatehouse.process.cpuMicroseconds()
    await echoAll(open)
    const message = (gatehouse.process.cpuMicroseconds() - used) / open.length
    bench.print(
      `a message there and back: ${message.toFixed(0)} µs of CPU; all ${open.length} carried one`,
    )
  },
}

/** Each WebSocket is two open files, and not every machine lets a process have twenty thousand. */
function allowed(bench: Bench, { pid }: Pinned, asked: number): number {
  const limit = Number(
    /^Max open files +\d+ +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1],
  )
  const most = Math.floor((limit - SPARE_FILES) / 2) - FIRST
  if (asked <= most) return asked
  bench.print(`This machine allows ${limit} open files: ${most} WebSockets instead of ${asked}.`)
  return most
}

async function openOverHttp1(gatehouse: Gatehouse, count: number): Promise<readonly WebSocket[]> {
  const sockets = Array.from({ length: count }, () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gatehouse.port}/live`, {
      headers: gatehouse.headers,
      perMessageDeflate: false,
    })
    return socket
  })
  await Promise.all(sockets.map((socket) => once(socket, 'open')))
  return sockets
}

/** Fewer than those with which a connection is full. */
const PER_CONNECTION = 40

async function openOverHttp2(gatehouse: Gatehouse, count: number): Promise<readonly WebSocket[]> {
  const opened: WebSocket[] = []
  while (opened.length < count) {
    const session = connect(`http://127.0.0.1:${gatehouse.port}`)
    session.on('error', () => undefined)
    await once(session, 'remoteSettings')
    const length = Math.min(PER_CONNECTION, count - opened.length)
    const streams = Array.from({ length }, () =>
      h2WebSocket(session, { ...gatehouse.headers, ':authority': HOST, ':path': '/live' }),
    )
    for (const { socket } of await Promise.all(streams)) opened.push(socket)
  }
  return opened
}

async function echoAll(sockets: readonly WebSocket[]): Promise<void> {
  for (let i = 0; i < sockets.length; i += AT_ONCE) {
    await Promise.all(
      sockets.slice(i, i + AT_ONCE).map(async (socket) => {
        const answer = once(socket, 'message')
        socket.send('hello')
        await answer
      }),
    )
  }
}

/** Memory once the collector has had its time: the least of some seconds. */
async function settled({ process }: Gatehouse): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 10; i++) {
    await wait(500)
    least = Math.min(least, process.residentMegabytes())
  }
  return least
}
