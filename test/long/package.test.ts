/** What `npm pack` makes, installed elsewhere without what only developers need, is the whole program. */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { sendTo, writeGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder } from '../support/temp-folder.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Without what tap loads into each process of Node that a test starts, whatever its environment says. */
const PLAIN = ['-u', 'NODE_OPTIONS']

/** What a command prints; throws with it where the command fails. */
function runIn(folder: string, command: string, parameters: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('env', [...PLAIN, command, ...parameters], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

/** A folder in which the packed program is installed. */
function installPackage(t: Test): string {
  const packed = tempFolder(t)
  runIn(ROOT, 'npm', ['run', 'prepack'])
  // Without the scripts, of which one builds the very program that runs this test.
  runIn(ROOT, 'npm', ['pack', '--ignore-scripts', '--pack-destination', packed])
  const [tarball = ''] = readdirSync(packed)
  const folder = tempFolder(t, { 'package.json': '{ "private": true }' })
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline']
  runIn(folder, 'npm', ['install', '--omit=dev', ...quiet, join(packed, tarball)])
  return folder
}

test('npm pack gives a package that runs as npx gatehouse', { timeout: 600_000 }, async (t) => {
  const folder = installPackage(t)
  const modules = readdirSync(join(folder, 'node_modules'))
  for (const name of ['tap', 'typescript', 'kubernetes-models']) t.notOk(modules.includes(name))
  const npx = (...parameters: string[]) =>
    runIn(folder, 'npx', ['--no-install', 'gatehouse', ...parameters])
  t.match(npx('--version'), /^\d+\.\d+\.\d+\n$/)

  const upstream = await startUpstream(t)
  const { configFile } = writeGateway(t, {
    policies: `routes: [{ from: "http://app.localhost:8080", to: "${upstream.origin}", allow_public_unauthenticated_access: true }]`,
    config: { logging: { level: 'info' } },
  })
  t.match(npx('check', '--config', configFile), /ok|1 route/i)

  const gateway = spawn(
    'env',
    [...PLAIN, 'npx', '--no-install', 'gatehouse', 'serve', '--config', configFile],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    },
  )
  const ended = once(gateway, 'close')
  t.teardown(() => {
    if (gateway.exitCode === null && gateway.pid !== undefined)
      process.kill(-gateway.pid, 'SIGKILL')
  })
  const port = await readyPort(gateway.stderr.setEncoding('utf8'))
  t.equal((await sendTo(port, 'http://app.localhost:8080/x')).status, 200)
  t.match(upstream.last.requestLine, 'GET /x ')
  if (gateway.pid !== undefined) process.kill(-gateway.pid, 'SIGTERM')
  await ended
})

async function readyPort(stderr: AsyncIterable<string>): Promise<number> {
  let text = ''
  for await (const chunk of stderr) {
    text += chunk
    const ready = text.split('\n').find((line) => line.includes('"msg":"ready"'))
    if (ready !== undefined) return (JSON.parse(ready) as { listen: { port: number } }).listen.port
  }
  throw new Error(text)
}
