/** Gatehouse as it would be run: a group policy, the assertion, the log to a file, a session in sqlite. */

import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSessions } from '../../src/identity/live-sessions.ts'
import { createSqliteStore } from '../../src/identity/store/sqlite-store.ts'
import { freePort } from '../support/free-port.ts'
import { BROWSER_HEADERS, type Candidate, HOST, pageUrl } from './candidate.ts'
import { startPinned, TESTED_CORE } from './processes.ts'

export interface GatehouseOptions {
  /** Port on 127.0.0.1 to which all routes lead. */
  readonly upstream: number
  /** How many; at least 8, since the one that is asked for is the seventh. Default 20. */
  readonly routes?: number
  /** Lines of YAML that each route has besides. */
  readonly routeSettings?: string
  /** Lines of YAML below `server`. */
  readonly serverSettings?: string
  /** Lines of YAML beside `server`. */
  readonly settings?: string
  /** PEM files of the listener. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** A running Gatehouse, and a person who is signed in. */
export interface Gatehouse extends Candidate {
  readonly port: number
  readonly adminPort: number
  /** What changes when an operator edits a policy. */
  readonly policyFile: string
}

export async function startGatehouse(
  folder: string,
  options: GatehouseOptions,
): Promise<Gatehouse> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const secret = randomBytes(32)
  const policyFile = join(folder, 'policies/apps.yaml')
  mkdirSync(join(folder, 'policies'), { recursive: true })
  writeFileSync(policyFile, policies(options))
  const configFile = join(folder, 'gatehouse.yaml')
  writeFileSync(configFile, config(port, adminPort, secret.toString('base64'), options))
  const cookie = await signedInCookie(join(folder, 'sessions.db'), secret)
  const main = join(import.meta.dirname, '../../src/main.ts')
  const command = [process.execPath, main, 'serve', '--config', configFile]
  const started = await startPinned(TESTED_CORE, command, (output) =>
    output.includes('"msg":"ready"'),
  )
  const name = options.tls === undefined ? 'gatehouse' : '__Host-gatehouse'
  return {
    name: 'Gatehouse',
    process: started,
    port,
    adminPort,
    policyFile,
    url: pageUrl(port, options.tls === undefined ? 'http' : 'https'),
    headers: { ...BROWSER_HEADERS, Cookie: `theme=dark; ${name}=${cookie}` },
  }
}

export function policies({ upstream, routes = 20, routeSettings = '', tls }: GatehouseOptions) {
  const scheme = tls === undefined ? 'http' : 'https'
  const texts = Array.from(
    { length: routes },
    (_, i) => `
  - name: app${i}
    from: ${scheme}://app${i}.localhost:8080
    to: http://127.0.0.1:${upstream}
    policy:
      - allow: { or: [{ groups: team-${i} }, { groups: operators }] }
      - deny: { and: [{ http_path: { starts_with: /admin } }, { not: [{ groups: operators }] }] }${routeSettings}`,
  )
  return `routes:${texts.join('')}\n`
}

function config(
  port: number,
  adminPort: number,
  secret: string,
  { tls, serverSettings = '', settings = '' }: GatehouseOptions,
): string {
  const certificates = tls === undefined ? '' : `\n  tls: [{ cert: ${tls.cert}, key: ${tls.key} }]`
  return `
server:
  listen: "127.0.0.1:${port}"
  admin_listen: "127.0.0.1:${adminPort}"
  public_url: "${tls === undefined ? 'http' : 'https'}://localhost:8080"${certificates}${serverSettings}
providers: { bench: { issuer: "http://127.0.0.1:9", client_id: bench } }
session: { secret: "${secret}", store: "sqlite:sessions.db" }
logging: { decisions: decisions.log }
${settings}
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
