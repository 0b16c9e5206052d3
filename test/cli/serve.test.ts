/** `gatehouse serve`: it starts whole or not at all, reloads and ends by signals. */

import { EventEmitter, once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createServeCommand } from '../../src/cli/serve.ts'
import type { Signals } from '../../src/cli/signals.ts'
import { freePort } from '../support/free-port.ts'
import { runCommand } from './run-command.ts'

const POLICY = `routes:
  - name: app
    from: http://app.localhost
    to: http://127.0.0.1:9
    allow_public_unauthenticated_access: true
`

/** A config for free ports, whose provider nobody can reach. */
async function filesFor(t: Test, changes: Readonly<Record<string, unknown>> = {}) {
  const listen = `127.0.0.1:${await freePort()}`
  const adminListen = `127.0.0.1:${await freePort()}`
  const config = {
    server: { listen, admin_listen: adminListen, public_url: 'http://localhost', ...changes },
    providers: { demo: { issuer: 'http://127.0.0.1:9', client_id: 'nobody' } },
    session: { secret: Buffer.alloc(32, 7).toString('base64') },
    logging: { level: 'error', decisions: 'decisions.log' },
  }
  const cwd = t.testdir({
    'gatehouse.yaml': JSON.stringify(config),
    policies: { 'app.yaml': POLICY },
  })
  return { cwd, listen, admin: `http://${adminListen}` }
}

/** Runs `serve` in `cwd`; `signal` sends one to it. */
function startServe(cwd: string) {
  const emitter = new EventEmitter()
  const signals: Signals = {
    on: (signal, listener) => {
      emitter.on(signal, listener)
      return () => emitter.off(signal, listener)
    },
  }
  const io = { cwd, now: Date.now }
  const ended = runCommand(['serve'], io, {
    commands: [createServeCommand(signals)],
    alone: true,
  })
  return { ended, signal: (name: string) => emitter.emit(name) }
}

/** Asks the admin listener until `isWanted`; its answer then. */
async function until(
  url: string,
  isWanted: (answer: Readonly<Record<string, unknown>>) => boolean,
): Promise<Readonly<Record<string, unknown>>> {
  for (;;) {
    const answer = await fetch(url)
      .then((response) => response.json() as Promise<Record<string, unknown>>)
      // It does not listen yet.
      .catch(() => undefined)
    if (answer !== undefined && isWanted(answer)) return answer
    await new Promise((resolve) => setImmediate(resolve))
  }
}

for (const signalName of ['SIGTERM', 'SIGINT']) {
  test(`it serves until ${signalName}, and ends with 0`, async (t) => {
    const { cwd, admin, listen } = await filesFor(t)
    const { ended, signal } = startServe(cwd)
    await until(`${admin}/readyz`, ({ status }) => status === 'ready')
    signal(signalName)
    t.match(await ended, { exitCode: 0, stderr: '' })
    await t.rejects(fetch(`http://${listen}/`), 'nothing listens any more')
  })
}

test('SIGINT goes without the delay that SIGTERM keeps', async (t) => {
  const { cwd, admin } = await filesFor(t, { drain_delay: '1h' })
  const { ended, signal } = startServe(cwd)
  await until(`${admin}/readyz`, ({ status }) => status === 'ready')
  signal('SIGINT')
  t.match(await ended, { exitCode: 0 })
})

test('SIGHUP reloads', async (t) => {
  const { cwd, admin } = await filesFor(t)
  const { ended, signal } = startServe(cwd)
  const { revision } = await until(`${admin}/config`, (answer) => 'revision' in answer)
  await writeFile(join(cwd, 'policies/app.yaml'), POLICY.replace('name: app', 'name: other'))
  signal('SIGHUP')
  await until(`${admin}/config`, (answer) => answer['revision'] !== revision)
  signal('SIGTERM')
  t.match(await ended, { exitCode: 0 })
})

test('a signal during the start ends it as soon as it has started', async (t) => {
  const { cwd } = await filesFor(t)
  const { ended, signal } = startServe(cwd)
  signal('SIGTERM')
  t.match(await ended, { exitCode: 0 })
})

test('a bad config is exit code 2, each mistake with its place, and nothing is started', async (t) => {
  const { cwd, listen } = await filesFor(t)
  await writeFile(join(cwd, 'policies/app.yaml'), POLICY.replace('name:', 'nam:'))
  const { exitCode, stderr } = await startServe(cwd).ended
  t.equal(exitCode, 2)
  t.match(stderr, /^policies\/app\.yaml:2:5: .*`nam`.*did you mean `name`/)
  await t.rejects(fetch(`http://${listen}/`))
})

test('a port that is taken is one sentence', async (t) => {
  const { cwd, listen } = await filesFor(t)
  const [host = '', port] = listen.split(':')
  const other = createServer().listen(Number(port), host)
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { exitCode, stderr } = await startServe(cwd).ended
  t.equal(exitCode, 1)
  t.match(stderr, /^gatehouse: port \d+ on 127\.0\.0\.1 is taken: .*`server\.listen`\n$/)
})
