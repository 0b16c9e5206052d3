/** The programs that a bench run compares, each started on the same core in front of the same upstream. */

import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSessions } from '../../src/identity/live-sessions.ts'
import { createSqliteStore } from '../../src/identity/sqlite-store.ts'
import { freePort } from '../support/free-port.ts'
import { type Pinned, startPinned } from './processes.ts'

export const TESTED_CORE = 0
export const OTHER_CORE = 1
export const HOST = 'app7.localhost'

export interface Candidate {
  readonly name: string
  readonly process: Pinned
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** As a browser sends them. */
const BROWSER_HEADERS = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language': 'en-US,en;q=0.5',
  'Accept-Encoding': 'gzip, deflate, br',
  Referer: `http://${HOST}/d/abc?orgId=1`,
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Site': 'same-origin',
}

const BODY = 'x'.repeat(1_024)

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
  return {
    name: 'nginx proxy_pass',
    process,
    url: urlOf(port),
    headers: { Host: HOST, ...BROWSER_HEADERS },
  }
}

export async function startBareForwarder(upstream: number): Promise<Candidate> {
  const port = await freePort()
  const script = join(import.meta.dirname, 'bare-forwarder.ts')
  const command = [process.execPath, script, String(port), `http://127.0.0.1:${upstream}`]
  const forwarder = await startPinned(TESTED_CORE, command, (output) => output.includes('ready'))
  return {
    name: 'Fastify + undici dispatch',
    process: forwarder,
    url: urlOf(port),
    headers: { Host: HOST, ...BROWSER_HEADERS },
  }
}

/** Twenty routes, a group policy, the assertion, the log to a file, a session in sqlite: as it would be run. */
export async function startGatehouse(folder: string, upstream: number): Promise<Candidate> {
  const port = await freePort()
  const secret = randomBytes(32)
  mkdirSync(join(folder, 'policies'), { recursive: true })
  writeFileSync(join(folder, 'policies/apps.yaml'), policies(upstream))
  writeFileSync(
    join(folder, 'gatehouse.yaml'),
    config(port, await freePort(), secret.toString('base64')),
  )
  const cookie = await signedInCookie(join(folder, 'sessions.db'), secret)
  const main = join(import.meta.dirname, '../../src/main.ts')
  const command = [process.execPath, main, 'serve', '--config', join(folder, 'gatehouse.yaml')]
  const gatehouse = await startPinned(TESTED_CORE, command, (output) =>
    output.includes('"msg":"ready"'),
  )
  return {
    name: 'Gatehouse',
    process: gatehouse,
    url: urlOf(port),
    headers: { Host: HOST, ...BROWSER_HEADERS, Cookie: `theme=dark; gatehouse=${cookie}` },
  }
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}/api/dashboards/uid/abc?from=now-6h&to=now`
}

function policies(upstream: number): string {
  const routes = Array.from(
    { length: 20 },
    (_, i) => `
  - name: app${i}
    from: http://app${i}.localhost:8080
    to: http://127.0.0.1:${upstream}
    policy:
      - allow: { or: [{ groups: team-${i} }, { groups: operators }] }
      - deny: { and: [{ http_path: { starts_with: /admin } }, { not: [{ groups: operators }] }] }`,
  )
  return `routes:${routes.join('')}\n`
}

function config(port: number, adminPort: number, secret: string): string {
  return `
server: { listen: "127.0.0.1:${port}", admin_listen: "127.0.0.1:${adminPort}", public_url: "http://localhost:8080" }
providers: { bench: { issuer: "http://127.0.0.1:9", client_id: bench } }
session: { secret: "${secret}", store: "sqlite:sessions.db" }
logging: { decisions: decisions.log }
`
}

/** The session that a sign-in would have left in the store, and its cookie. */
async function signedInCookie(file: string, secret: Buffer): Promise<string> {
  const secrets = [secret]
  const store = createSqliteStore(file, { now: Date.now })
  const quiet = () => undefined
  const sessions = createSessions({
    store,
    now: Date.now,
    secrets: () => secrets,
    lifetimes: () => ({ lifetimeMs: 14 * 3_600_000, idleMs: 3_600_000 }),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  })
  const session = await sessions.create(
    {
      sub: '00u1bench',
      email: 'ana@example.com',
      name: 'Ana Example',
      claims: { preferred_username: 'ana', department: 'Platform' },
      groups: {
        list: [{ name: 'team-7' }, { name: 'everyone' }, { name: 'staff' }],
        complete: true,
      },
      acr: undefined,
      amr: [],
      authTime: Date.now(),
      sid: undefined,
      tokens: {
        idToken: 'none',
        accessToken: undefined,
        refreshToken: undefined,
        accessTokenExpiresAt: undefined,
      },
    },
    { provider: 'bench', method: 'oidc', address: '127.0.0.1', userAgent: 'bench', stepUp: false },
  )
  const { value } = sessions.cookieFor(session, HOST)
  await sessions.close()
  await store.close()
  return value
}

async function startNginx(
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
events { worker_connections 1024; }
http { access_log off; ${temp} keepalive_requests 1000000; ${http}
  server { listen 127.0.0.1:${port}; ${server} } }`,
  )
  const command = ['nginx', '-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')]
  return startPinned(core, command, (output) => output.includes('getrlimit(RLIMIT_NOFILE)'))
}
