/** What Gatehouse is compared with: programs that forward and do nothing else, and the upstream behind all of them. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findCommand } from '../../scripts/test-tools.mjs'
import { freePort } from '../support/free-port.ts'
import { BROWSER_HEADERS, type Candidate, pageUrl } from './candidate.ts'
import { OTHER_CORE, type Pinned, startPinned, TESTED_CORE } from './processes.ts'

const BODY = 'x'.repeat(1_024)

/** nginx with a page of 1 KB: it costs so little that it is never what a client waits for. */
export async function startUpstream(
  folder: string,
): Promise<{ readonly port: number; readonly process: Pinned }> {
  const port = await freePort()
  const server = `location / { default_type text/plain; return 200 "${BODY}"; }`
  return { port, process: await startNginx(join(folder, 'upstream'), port, OTHER_CORE, server, '') }
}

export async function startNginxProxy(folder: string, upstream: number): Promise<Candidate> {
  const port = await freePort()
  const http = `upstream app { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000; }`
  const server =
    'location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }'
  const process = await startNginx(join(folder, 'proxy'), port, TESTED_CORE, server, http)
  return { name: 'nginx proxy_pass', process, url: pageUrl(port), headers: BROWSER_HEADERS }
}

export function startBareForwarder(upstream: number): Promise<Candidate> {
  return startScript('Fastify + undici dispatch', 'bare-forwarder.ts', upstream)
}

export function startHttpProxy(upstream: number): Promise<Candidate> {
  return startScript('@fastify/http-proxy', 'http-proxy.ts', upstream)
}

async function startScript(name: string, file: string, upstream: number): Promise<Candidate> {
  const port = await freePort()
  const script = join(import.meta.dirname, 'programs', file)
  const command = [process.execPath, script, String(port), `http://127.0.0.1:${upstream}`]
  const started = await startPinned(TESTED_CORE, command, (output) => output.includes('ready'))
  return { name, process: started, url: pageUrl(port), headers: BROWSER_HEADERS }
}

/** @param server what stands in `server { ... }`; @param http what stands beside it */
export async function startNginx(
  folder: string,
  port: number,
  core: number,
  server: string,
  http: string,
): Promise<Pinned> {
  for (const name of ['logs', 'temp']) mkdirSync(join(folder, name), { recursive: true })
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, 'temp', name)};`)
    .join(' ')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${join(folder, 'nginx.pid')}; error_log stderr notice;
events { worker_connections 4096; }
http { access_log off; ${temp} keepalive_requests 1000000; ${http}
  server { listen 127.0.0.1:${port}; ${server} } }`,
  )
  const nginx = findCommand('nginx') ?? 'nginx'
  const command = [nginx, '-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')]
  return startPinned(core, command, (output) => output.includes('getrlimit(RLIMIT_NOFILE)'))
}
