/** What a session costs a request, by store: nobody known, a session in the cache, and one that must be opened first. */

import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { readStoreUrl } from '../../../src/config/store-url.ts'
import { DEMO_PEOPLE } from '../../../src/demo/people.ts'
import { createSessions } from '../../../src/identity/live-sessions.ts'
import { openStore } from '../../../src/identity/store/open-store.ts'
import { createBrowserClient } from '../../support/browser-client.ts'
import { startDevelopmentProvider } from '../../support/development-provider.ts'
import { freePort } from '../../support/free-port.ts'
import { signIn } from '../../support/sign-in.ts'
import type { Bench, BenchPart } from '../part.ts'
import { OTHER_CORE, type Pinned, startPinned, TESTED_CORE } from '../processes.ts'

const REQUESTS = 2_000
const HOST = 'app.localhost'

export const part: BenchPart = {
  about: 'a request with a session in each store, cache warm and cold, against a public route',
  run: async (bench) => {
    const port = await freePort()
    const command = ['redis-server', '--port', String(port), '--save', '', '--appendonly', 'no']
    const redis = await startPinned(OTHER_CORE, [...command, '--dir', bench.folder], (output) =>
      output.includes('Ready to accept'),
    )
    bench.defer(redis.stop)
    bench.print('| store | request | median ms | CPU µs of the gateway |')
    bench.print('|---|---|---|---|')
    await measureMemory(bench)
    for (const store of ['sqlite:sessions.db', `redis://127.0.0.1:${port}`]) {
      await measureStore(bench, store)
    }
  },
}

/** Nobody but the gateway itself can put a session there: somebody signs in. Each of its sessions is in the cache, too. */
async function measureMemory(bench: Bench): Promise<void> {
  const provider = await startDevelopmentProvider({
    redirectUris: ['http://localhost:8080/oauth2/callback'],
    postLogoutRedirectUris: [],
    people: DEMO_PEOPLE,
  })
  bench.defer(provider.close)
  const { clientId, clientSecret, issuer } = provider
  const { gateway, port } = await startOn(bench, join(bench.folder, 'memory'), {
    provider: `{ issuer: "${issuer}", client_id: "${clientId}", client_secret: "${clientSecret}" }`,
    session: `{ store: "memory:" }`,
  })
  const browser = createBrowserClient(port)
  const { status } = await signIn(browser, `http://${HOST}:8080/`, 'ana')
  if (status !== 200) throw new Error(`the sign-in ended with ${status}`)
  const cookie = browser.cookieHeader(HOST)
  await measure(bench, 'memory', gateway, port, {
    'public route': () => ({ host: `public.${HOST}` }),
    'session, in the cache': () => ({ host: HOST, cookie }),
  })
}

async function measureStore(bench: Bench, store: string): Promise<void> {
  const kind = store.slice(0, store.indexOf(':'))
  const folder = join(bench.folder, kind)
  const secret = randomBytes(32)
  mkdirSync(folder, { recursive: true })
  const cookies = await signedIn(folder, store, secret, 2 * REQUESTS)
  const { gateway, port } = await startOn(bench, folder, {
    provider: '{ issuer: "http://127.0.0.1:9", client_id: bench }',
    session: `{ secret: "${secret.toString('base64')}", store: "${store}" }`,
  })
  const [warm = ''] = cookies
  await measure(bench, kind, gateway, port, {
    'public route': () => ({ host: `public.${HOST}` }),
    'session, in the cache': () => ({ host: HOST, cookie: `gatehouse=${warm}` }),
    'session, to be opened': (i) => ({ host: HOST, cookie: `gatehouse=${cookies[i]}` }),
  })
}

/** @param keys of the config, as YAML */
async function startOn(
  bench: Bench,
  folder: string,
  keys: { readonly provider: string; readonly session: string },
) {
  const port = await freePort()
  mkdirSync(join(folder, 'policies'), { recursive: true })
  writeFileSync(join(folder, 'policies/app.yaml'), POLICIES)
  writeFileSync(
    join(folder, 'gatehouse.yaml'),
    `
server: { listen: "127.0.0.1:${port}", admin_listen: "127.0.0.1:${await freePort()}", public_url: "http://localhost:8080" }
providers: { bench: ${keys.provider} }
session: ${keys.session}
logging: { decisions: decisions.log }
`,
  )
  const main = join(import.meta.dirname, '../../../src/main.ts')
  const command = [process.execPath, main, 'serve', '--config', join(folder, 'gatehouse.yaml')]
  const gateway = await startPinned(TESTED_CORE, command, (output) =>
    output.includes('"msg":"ready"'),
  )
  bench.defer(gateway.stop)
  return { gateway, port }
}

async function measure(
  bench: Bench,
  kind: string,
  gateway: Pinned,
  port: number,
  kinds: Readonly<Record<string, (i: number) => Record<string, string>>>,
): Promise<void> {
  for (const [name, headers] of Object.entries(kinds)) {
    // The first ones warm up what is compiled late; each cookie is new once.
    await send(gateway, port, REQUESTS, headers)
    const { median, cpu } = await send(gateway, port, REQUESTS, (i) => headers(REQUESTS + i))
    bench.print(`| ${kind} | ${name} | ${median.toFixed(3)} | ${cpu.toFixed(0)} |`)
  }
}

const POLICIES = `routes:
  - { name: app, from: "http://${HOST}:8080", allow_any_authenticated_user: true, response: { status: 200, body: ok } }
  - { name: public, from: "http://public.${HOST}:8080", allow_public_unauthenticated_access: true, response: { status: 200, body: ok } }
`

/** One after the other over one connection. */
async function send(
  gateway: Pinned,
  port: number,
  times: number,
  headers: (i: number) => Record<string, string>,
) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const took: number[] = []
  const before = gateway.cpuMicroseconds()
  for (let i = 0; i < times; i++) {
    const start = performance.now()
    const status = await get(port, headers(i), agent)
    took.push(performance.now() - start)
    if (status !== 200) throw new Error(`request ${i} was answered with ${status}`)
  }
  agent.destroy()
  const cpu = (gateway.cpuMicroseconds() - before) / times
  return { median: took.sort((a, b) => a - b)[times / 2] ?? Number.NaN, cpu }
}

function get(port: number, headers: Record<string, string>, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/x', headers, agent }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
      .on('error', reject)
      .end()
  })
}

/** Cookies of `count` sessions that are in the store before the gateway starts. */
async function signedIn(folder: string, store: string, secret: Buffer, count: number) {
  const quiet = () => undefined
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
  const opened = await openStore(readStoreUrl(store, folder), { now: Date.now, log })
  const secrets = [secret]
  const sessions = createSessions({
    store: opened,
    now: Date.now,
    secrets: () => secrets,
    lifetimes: () => ({ lifetimeMs: 14 * 3_600_000, idleMs: 3_600_000 }),
    log,
  })
  const cookies: string[] = []
  for (let i = 0; i < count; i++) {
    const session = await sessions.create(
      {
        ...{ sub: `00u1bench${i}`, email: `person.${i}@example.com`, name: 'Ana Example' },
        claims: { preferred_username: `person.${i}`, department: 'Platform' },
        groups: { list: [{ name: 'everyone' }, { name: 'staff' }], complete: true },
        ...{ acr: undefined, amr: [], authTime: Date.now(), sid: undefined },
        tokens: {
          idToken: 'none',
          accessToken: undefined,
          refreshToken: undefined,
          accessTokenExpiresAt: undefined,
        },
      },
      {
        ...{ provider: 'bench', method: 'oidc', address: '127.0.0.1' },
        ...{ userAgent: 'bench', stepUp: false },
      },
    )
    cookies.push(sessions.cookieFor(session, HOST).value)
  }
  await sessions.close()
  await opened.close()
  return cookies
}
