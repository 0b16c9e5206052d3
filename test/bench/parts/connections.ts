/** Many connections, a connection for each request, and TLS: what each costs beside the plain case. */

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { HOST } from '../candidate.ts'
import { startUpstream } from '../forwarders.ts'
import { type Gatehouse, startGatehouse } from '../gatehouse.ts'
import { type Load, runLoad } from '../load.ts'
import type { Bench, BenchPart } from '../part.ts'
import { median } from '../processes.ts'

export const part: BenchPart = {
  about: '1,000 clients, connection churn, TLS and TLS churn; settings rounds, seconds',
  run: async (bench) => {
    const rounds = Number(bench.settings.get('rounds') ?? 5)
    const seconds = Number(bench.settings.get('seconds') ?? 3)
    const upstream = await startUpstream(bench.folder)
    bench.defer(upstream.process.stop)
    const plain = await startGatehouse(join(bench.folder, 'plain'), { upstream: upstream.port })
    bench.defer(plain.process.stop)
    const tls = certificate(bench.folder)
    const secure = await startGatehouse(join(bench.folder, 'tls'), { upstream: upstream.port, tls })
    bench.defer(secure.process.stop)
    const close = { Connection: 'close' }
    const cases: readonly Case[] = [
      { name: '32 clients', gatehouse: plain, load: { connections: 32, seconds } },
      { name: '1,000 clients', gatehouse: plain, load: { connections: 1_000, seconds } },
      {
        name: 'a connection for each request',
        gatehouse: plain,
        load: { connections: 32, seconds, headers: close },
      },
      { name: 'TLS 1.3, 32 clients', gatehouse: secure, load: { connections: 32, seconds } },
      {
        name: 'a TLS handshake for each request',
        gatehouse: secure,
        load: { connections: 32, seconds, headers: close },
      },
    ]
    await compare(bench, cases, rounds)
  },
}

interface Case {
  readonly name: string
  readonly gatehouse: Gatehouse
  readonly load: Load
}

async function compare(bench: Bench, cases: readonly Case[], rounds: number): Promise<void> {
  const figures = cases.map((one) => ({
    ...one,
    cpu: [] as number[],
    perSecond: [] as number[],
    resident: 0,
  }))
  for (let i = 0; i <= rounds; i++) {
    for (const figure of figures) {
      bench.progress(`round ${i} of ${rounds}: ${figure.name}`)
      const { cpu, perSecond } = await runLoad(figure.gatehouse, figure.load)
      // The first one warms up.
      if (i === 0) continue
      figure.cpu.push(cpu)
      figure.perSecond.push(perSecond)
      figure.resident = figure.gatehouse.process.residentMegabytes()
    }
  }
  bench.print('| | CPU µs/request | requests/s | resident MB |')
  bench.print('|---|---|---|---|')
  for (const { name, cpu, perSecond, resident } of figures) {
    const cells = [name, median(cpu).toFixed(1), median(perSecond).toFixed(0), resident.toFixed(0)]
    bench.print(`| ${cells.join(' | ')} |`)
  }
}

function certificate(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')]
  const names = `subjectAltName=DNS:localhost,DNS:${HOST}`
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-days', '2', '-subj', '/CN=localhost', '-addext', names, '-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  )
  return { cert, key }
}
