/** The process itself: arguments in, exit code out, signals heard. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Test, test } from 'tap'

const MAIN = join(import.meta.dirname, '../src/main.ts')

function start(t: Test, args: readonly string[], cwd: string) {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

async function runMain(t: Test, args: readonly string[], cwd: string) {
  const child = start(t, args, cwd)
  const closed = once(child, 'close')
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [exitCode] = await closed
  return { exitCode, out, err }
}

test('a command prints to stdout and ends with 0', async (t) => {
  const { exitCode, out, err } = await runMain(t, ['schema', 'config'], t.testdir({}))
  t.strictSame([exitCode, err], [0, ''])
  t.equal(JSON.parse(out).title, 'Gatehouse configuration')
})

test('bad usage and a bad config end with 2, on stderr alone', async (t) => {
  const cwd = t.testdir({ 'gatehouse.yaml': 'server: 1\n' })
  for (const args of [['srve'], ['serve']]) {
    const { exitCode, out, err } = await runMain(t, args, cwd)
    t.strictSame([exitCode, out], [2, ''], args.join(' '))
    t.not(err, '')
  }
})

test('a reader that leaves early is no fault', async (t) => {
  const child = start(t, ['schema', 'policy'], t.testdir({}))
  const closed = once(child, 'close')
  child.stdout.destroy()
  t.equal(await text(child.stderr), '')
  t.strictSame(await closed, [0, null])
})

test('serve hears SIGTERM and ends with 0', async (t) => {
  const config = {
    server: {
      listen: '127.0.0.1:0',
      admin_listen: '127.0.0.1:0',
      public_url: 'http://localhost',
    },
    providers: { demo: { issuer: 'http://127.0.0.1:9', client_id: 'nobody' } },
    session: { secret: Buffer.alloc(32, 7).toString('base64') },
  }
  const policy = 'routes: [{ from: http://app.localhost, to: http://127.0.0.1:9 }]\n'
  const cwd = t.testdir({
    'gatehouse.yaml': JSON.stringify(config),
    policies: { 'app.yaml': policy },
  })
  const child = start(t, ['serve'], cwd)
  const closed = once(child, 'close')
  let logged = ''
  for await (const chunk of child.stderr) {
    logged += chunk
    if (!logged.includes('"ready"')) continue
    child.kill('SIGTERM')
    break
  }
  t.match(logged, /"level":"info".*"msg":"ready"/)
  t.strictSame(await closed, [0, null])
})
