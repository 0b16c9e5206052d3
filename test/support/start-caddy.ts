/** A real Caddy on a port of its own, without certificates or an admin endpoint, that ends with the test. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { findTool } from '../../scripts/test-tools.mjs'
import { freePort } from './free-port.ts'
import { tempFolder } from './temp-folder.ts'

export interface Caddy {
  readonly port: number
}

/** @param site what stands in the one site's block: it takes every host */
export async function startCaddy(t: Test, site: string): Promise<Caddy> {
  const command = findTool('caddy')
  if (command === undefined)
    throw new Error('Caddy is not installed: run `npm test` from the start')
  const port = await freePort()
  const folder = tempFolder(t)
  const file = join(folder, 'Caddyfile')
  writeFileSync(
    file,
    `{\n\tadmin off\n\tauto_https off\n}\nhttp://:${port} {\n\tbind 127.0.0.1\n${site}\n}\n`,
  )
  const child = spawn(command, ['run', '--config', file, '--adapter', 'caddyfile'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      XDG_CONFIG_HOME: folder,
      XDG_DATA_HOME: folder,
    },
  })
  t.teardown(() => stop(child))
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line)
    if (line.includes('serving initial configuration')) {
      child.stderr.resume()
      return { port }
    }
  }
  throw new Error(`Caddy did not start: ${lines.join('\n')}`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}
