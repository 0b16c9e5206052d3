/** Files of logs: moved away under load, removed, full, and back again; no request notices. */

import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { openLineSink } from '../../src/support/line-sink.ts'
import { type SpawnedGateway, spawnGateway } from '../support/spawn-gateway.ts'
import { readLines } from '../support/start-gateway.ts'
import { until } from '../support/start-redis.ts'
import { tempFolder } from '../support/temp-folder.ts'

const OPEN = 'http://open.localhost:8080'
const POLICIES = `routes: [{ name: open, from: "${OPEN}", allow_public_unauthenticated_access: true, response: { body: x } }]`

/** Requests on several connections until `stop` is aborted; how many were answered 200. */
async function load(t: Test, gateway: SpawnedGateway, stop: AbortSignal): Promise<number> {
  let answered = 0
  const visitor = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    while (!stop.aborted) {
      const { status } = await gateway.get(`${OPEN}/`, { agent })
      if (status !== 200) t.equal(status, 200)
      answered++
    }
  }
  await Promise.all([1, 2, 3, 4].map(visitor))
  return answered
}

for (const workers of [1, 2]) {
  test(`with ${workers} of them: rotation by signals, or by none, loses no line under load`, async (t) => {
    const gateway = await spawnGateway(t, {
      policies: POLICIES,
      config: { server: { workers }, session: { store: 'sqlite:sessions.db' } },
    })
    const file = join(gateway.folder, 'decisions.log')
    const stop = new AbortController()
    const answered = load(t, gateway, stop.signal)
    const rotate = async (to: string, signal?: NodeJS.Signals) => {
      await until(async () => existsSync(file) && readFileSync(file).length > 10_000)
      renameSync(file, join(gateway.folder, to))
      if (signal !== undefined) gateway.signal(signal)
      await until(async () => existsSync(file))
    }
    await rotate('decisions.log.1', 'SIGUSR2')
    await rotate('decisions.log.2', 'SIGHUP')
    await rotate('decisions.log.3')
    stop.abort()
    const count = await answered
    t.equal(await gateway.metric('gatehouse_decision_log_lost_lines'), 0)
    gateway.signal('SIGTERM')
    t.strictSame(await gateway.ended, [0, null])
    const files = readdirSync(gateway.folder).filter((name) => name.startsWith('decisions.log'))
    t.equal(files.length, 4)
    const lines = files.flatMap((name) => readLines(join(gateway.folder, name)))
    t.comment(`${count} requests, ${lines.length} lines in ${files.length} files`)
    t.equal(lines.length, count)
    t.equal(new Set(lines.map((line) => line['request_id'])).size, count)
  })
}

function noted() {
  const told: string[] = []
  const note = (_fields: object, message: string) => void told.push(message)
  return { told, log: { debug: note, info: note, warn: note, error: note } }
}

test('a full disk: told once, what fits into memory waits, the rest is lost and counted', async (t) => {
  const { told, log } = noted()
  const sink = openLineSink('/dev/full', { key: 'logging.decisions', log })
  const megabyte = Buffer.from(`${'x'.repeat(1_048_575)}\n`)
  for (let i = 0; i < 20; i++) sink.write(megabyte)
  t.equal(sink.lost(), 4, 'past 16 MB')
  await until(async () => told.length > 0)
  for (let i = 0; i < 3; i++) sink.write(Buffer.from('more\n'))
  await sink.close()
  t.equal(sink.lost(), 23, 'all that was never written')
  t.strictSame(told, ['a log is too slow: lines are lost, requests go on', told[1]])
  t.match(told[1], 'cannot be written')
})

test('a path that cannot be had again: it goes on in the file that it has, and comes back when it can', async (t) => {
  const folder = tempFolder(t)
  const file = join(folder, 'logs/a.log')
  const { told, log } = noted()
  let look: () => void = () => undefined
  const every = (_ms: number, task: () => void) => {
    look = task
    return () => undefined
  }
  const sink = openLineSink(file, { key: 'logging.decisions', log, every })
  sink.write(Buffer.from('1\n'))
  renameSync(join(folder, 'logs'), join(folder, 'old'))
  const blocker = openLineSink(join(folder, 'logs'), { key: 'x', log })
  await blocker.close()
  sink.reopen()
  t.match(told, ['a log goes on in the file that was moved away'])
  sink.write(Buffer.from('2\n'))
  rmSync(join(folder, 'logs'))
  await until(async () => {
    look()
    return existsSync(file)
  })
  sink.write(Buffer.from('3\n'))
  await sink.close()
  t.equal(readFileSync(join(folder, 'old/a.log'), 'utf8'), '1\n2\n')
  t.equal(readFileSync(file, 'utf8'), '3\n')
  t.equal(sink.lost(), 0)
})
