/** A real nginx on a port of its own, with a configuration that the test gives and that goes with the test. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { findTool } from '../../scripts/test-tools.mjs'
import { freePort } from './free-port.ts'
import { tempFolder, writeFiles } from './temp-folder.ts'

export interface Nginx {
  readonly port: number
  readonly origin: string
  /** Lines of the access log so far, in nginx's `combined` form. */
  accessLog(): readonly string[]
  close(): Promise<void>
}

export interface NginxOptions {
  /** What stands in `server { ... }` besides `listen`; default: answers 200 `hello from nginx` to everything. */
  readonly server?: string
  /** What stands in `http { ... }` besides that server, such as `upstream` blocks. */
  readonly http?: string
  /** Files below the server's root, by relative path. */
  readonly files?: Readonly<Record<string, string>>
}

const ANSWER = 'location / { default_type text/plain; return 200 "hello from nginx\\n"; }'

/** Starts nginx, as root or not, in the foreground and as one process; killed at the test's end. */
export async function startNginx(t: Test, options: NginxOptions = {}): Promise<Nginx> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const folder = tempFolder(t)
    for (const name of ['html', 'logs', 'temp']) mkdirSync(join(folder, name))
    writeFiles(join(folder, 'html'), options.files ?? {})
    const nginx = await tryStart(folder, configuration(folder, port, options))
    if (nginx.ready) {
      const close = () => stop(nginx.child)
      t.teardown(close)
      return {
        port,
        origin: `http://127.0.0.1:${port}`,
        accessLog: () =>
          readFileSync(join(folder, 'logs/access.log'), 'utf8')
            .split('\n')
            .filter((line) => line !== ''),
        close,
      }
    }
    await stop(nginx.child)
    // The port may have been taken in between; anything else will not mend itself.
    if (attempt === 3 || !nginx.log.includes('Address already in use')) {
      throw new Error(`nginx did not start: ${nginx.log}`)
    }
  }
}

function configuration(folder: string, port: number, options: NginxOptions): string {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
error_log stderr notice;
events { worker_connections 1024; }
http {
  access_log ${join(folder, 'logs/access.log')};
  ${temp.map((name) => `${name}_temp_path ${join(folder, 'temp', name)};`).join('\n  ')}
  types { text/html html; text/css css; application/json json; }
  default_type application/octet-stream;
  ${options.http ?? ''}
  server {
    listen 127.0.0.1:${port};
    root ${join(folder, 'html')};
    ${options.server ?? ANSWER}
  }
}
`
}

interface Started {
  readonly child: ChildProcess
  readonly ready: boolean
  readonly log: string
}

async function tryStart(folder: string, text: string): Promise<Started> {
  const command = findTool('nginx')
  if (command === undefined)
    throw new Error('nginx is not installed: run `npm test` from the start')
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, text)
  const child = spawn(command, ['-p', folder, '-e', 'stderr', '-c', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines: string[] = []
  // nginx binds its sockets first and says what it runs on after: with this line it answers.
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line)
    if (line.includes('getrlimit(RLIMIT_NOFILE)')) {
      child.stderr.resume()
      return { child, ready: true, log: lines.join('\n') }
    }
  }
  return { child, ready: false, log: lines.join('\n') }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}
