/** The endpoints on a real socket, with real sessions, config and policies, and a clock that the test moves. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import Fastify from 'fastify'
import type { Test } from 'tap'
import { loadSnapshot } from '../../src/config/load.ts'
import type { Snapshot } from '../../src/config/snapshot.ts'
import { endpoints } from '../../src/endpoints/endpoints.ts'
import { attachExchange } from '../../src/endpoints/exchange.ts'
import { GatehouseError } from '../../src/errors.ts'
import { createSessions } from '../../src/identity/live-sessions.ts'
import { createLocalAdmins } from '../../src/identity/local-admins.ts'
import type { Provider } from '../../src/identity/provider/provider.ts'
import { createRateLimits } from '../../src/identity/rate-limits.ts'
import type { Sessions } from '../../src/identity/sessions.ts'
import { createMemoryStore } from '../../src/identity/store/memory-store.ts'
import { isPageVisit } from '../../src/proxy/answer-form.ts'
import { canonicalHost, canonicalPath } from '../../src/routing/canonical.ts'
import { type Logged, recorder } from '../identity/session-fixture.ts'
import { type BrowserClient, createBrowserClient } from '../support/browser-client.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted-provider.ts'

export const AUTH = 'https://auth.example.com'
export const APP = 'https://app.example.com'
export const WIKI = 'https://wiki.example.com'

const POLICIES = `
routes:
  - { name: app, from: "${APP}", to: "http://127.0.0.1:9", description: The app, allow_any_authenticated_user: true }
  - { name: wiki, from: "${WIKI}:8443", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
  - { name: tenants, from: "https://*.tenants.example.com", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
  - { name: closed, from: "https://closed.example.com", to: "http://127.0.0.1:9", allowed_groups: [admins] }
`

export interface EndpointsFixture {
  /** What is in force. */
  readonly live: { snapshot: Snapshot }
  /** Puts other routes in force. */
  usePolicies(policies: string): Promise<void>
  readonly sessions: Sessions
  /** The first of the providers. */
  readonly idp: ScriptedProvider
  readonly idps: readonly ScriptedProvider[]
  readonly logged: Logged[]
  /** Results of sign-ins, as the metrics hear of them: `provider result`. */
  readonly counted: string[]
  readonly clock: { time: number }
  /** While true the store cannot answer. */
  readonly fault: { down: boolean }
  readonly port: number
  browser(): BrowserClient
}

export interface FixtureOptions {
  readonly policies?: string
  readonly providerNames?: readonly string[]
  readonly publicUrl?: string
  /** Of the first provider. */
  readonly redirectPath?: string
  readonly postLogoutRedirectUri?: string
  readonly brand?: Readonly<Record<string, unknown>>
  /** By the provider's name. */
  readonly emailDomains?: Readonly<Record<string, readonly string[]>>
  /** In place of those that the config has by default. */
  readonly rates?: Snapshot['config']['server']['rate_limits']
  /** In place of scripted ones. */
  readonly providers?: (publicUrl: string) => ReadonlyMap<string, Provider>
}

export async function startEndpoints(
  t: Test,
  options: FixtureOptions = {},
): Promise<EndpointsFixture> {
  const { providerNames = ['okta'], publicUrl = AUTH } = options
  const { redirectPath = '/oauth2/callback' } = options
  const idps = await Promise.all(
    providerNames.map((name, index) =>
      startScriptedProvider(t, {
        name,
        publicUrl,
        redirectPath: index === 0 ? redirectPath : `/oauth/callback/${name}`,
      }),
    ),
  )
  const providers: ReadonlyMap<string, Provider> =
    options.providers?.(publicUrl) ?? new Map(idps.map(({ provider }) => [provider.name, provider]))
  const load = (policies = POLICIES) =>
    snapshotOf(t, { ...options, policies }, publicUrl, [...providers.values()])
  const live = { snapshot: await load(options.policies) }
  const { sessionSecrets } = live.snapshot
  const clock = { time: Date.UTC(2026, 2, 2, 9) }
  const now = () => clock.time
  const logged: Logged[] = []
  const counted: string[] = []
  const log = recorder(logged)
  const fault = { down: false }
  const { lifetime, idle } = live.snapshot.config.session
  const sessions = createSessions({
    store: breakable(createMemoryStore({ now }), fault),
    secrets: () => sessionSecrets,
    now,
    lifetimes: () => ({ lifetimeMs: lifetime, idleMs: idle }),
    log,
  })
  t.teardown(() => sessions.close())
  const rateLimits = createRateLimits({
    rates: () => options.rates ?? live.snapshot.config.server.rate_limits,
    secrets: () => sessionSecrets,
    now,
    log,
  })
  const fastify = Fastify({
    serverFactory: (handler) =>
      createServer((request, response) => {
        if (read(live.snapshot, request, response)) handler(request, response)
      }),
  })
  // biome-ignore lint/nursery/noMisusedPromises: Fastify awaits what a plugin returns
  await fastify.register(endpoints, {
    snapshot: () => live.snapshot,
    sessions,
    rateLimits,
    resolveGroups: (session) => session,
    directories: () => new Map(),
    localAdmins: createLocalAdmins({
      admins: () => live.snapshot.localAdmins,
      rateLimits,
      now,
    }),
    providers: () => providers,
    assertion: () => ({ jwks: { keys: [{ kty: 'EC', kid: 'k1' }] } }),
    secrets: () => sessionSecrets,
    now,
    log,
    audit: (event) => logged.push({ level: 'audit', message: event.event, fields: event }),
    onSignIn: (provider, result) => counted.push(`${provider} ${result}`),
    onStoreFailed: () => undefined,
  })
  await fastify.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => fastify.close())
  const address = fastify.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const [idp] = idps
  if (idp === undefined) throw new Error('a fixture needs a provider')
  return {
    live,
    usePolicies: async (policies) => {
      live.snapshot = await load(policies)
    },
    sessions,
    idp,
    idps,
    logged,
    counted,
    clock,
    fault,
    port,
    browser: () => createBrowserClient(port),
  }
}

async function snapshotOf(
  t: Test,
  options: FixtureOptions,
  publicUrl: string,
  providers: readonly Provider[],
): Promise<Snapshot> {
  const provider = { issuer: 'https://idp.example.net', client_id: 'gatehouse' }
  const { postLogoutRedirectUri: landing } = options
  const config = {
    server: { public_url: publicUrl, listen: '127.0.0.1:0', admin_listen: '127.0.0.1:0' },
    providers: Object.fromEntries(
      providers.map(({ name, redirectPath }) => [
        name,
        {
          ...provider,
          redirect_path: redirectPath,
          ...(landing === undefined ? {} : { post_logout_redirect_uri: landing }),
          ...(options.emailDomains?.[name] === undefined
            ? {}
            : { email_domains: options.emailDomains[name] }),
        },
      ]),
    ),
    session: { secret: Buffer.alloc(32, 7).toString('base64') },
    brand: options.brand ?? {},
    policies: ['policies/'],
  }
  const folder = tempFolder(t, {
    'gatehouse.yaml': JSON.stringify(config),
    'policies/test.yaml': options.policies ?? '',
  })
  const configFile = join(folder, 'gatehouse.yaml')
  const { snapshot, problems } = await loadSnapshot({ configFile, env: {}, now: Date.now })
  if (snapshot === undefined) throw new Error(JSON.stringify(problems))
  return snapshot
}

/** Does what the listener does with a request for an endpoint, in short. */
function read(snapshot: Snapshot, request: IncomingMessage, response: ServerResponse): boolean {
  const target = request.url ?? ''
  const host = canonicalHost(request.headers.host, target)
  if (host.kind === 'refused') return refuse(response, 400)
  const { config, table } = snapshot
  const publicUrl = new URL(config.server.public_url)
  const isPublicUrl = host.name === publicUrl.hostname
  const route = table.host(host.name)?.routes[0]
  if (route === undefined && !isPublicUrl) return refuse(response, 421)
  const path = canonicalPath(target, false)
  if (path.kind === 'refused') return refuse(response, 400)
  const ownOrigin = route?.origin.replace(/\*[^:/]*/, host.name) ?? ''
  const origin = isPublicUrl ? publicUrl.origin : ownOrigin
  attachExchange(request, {
    host,
    path,
    origin,
    secure: origin.startsWith('https:'),
    hsts: undefined,
    requestId: 'req-1',
    clientAddress: '192.0.2.10',
    pageVisit: isPageVisit(request),
    isPublicUrl,
  })
  return true
}

function refuse(response: ServerResponse, status: number): false {
  response.writeHead(status).end()
  return false
}

function breakable<T extends object>(store: T, fault: { down: boolean }): T {
  return new Proxy(store, {
    get(target, name: string & keyof T) {
      const method = target[name]
      if (!fault.down || typeof method !== 'function') return method
      return () => Promise.reject(new GatehouseError('STORE_UNAVAILABLE', 'down'))
    },
  })
}
