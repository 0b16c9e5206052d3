/**
 * An Okta organisation to develop and test against, on loopback: its own authorization server and `/oauth2/default` side by
 * side, the management API for users and groups, and the signals that Okta sends. Never for production.
 *
 * In a test: `const okta = await startOkta(t, { publicUrl })` of test/support/start-okta.ts, then
 *   - sign-in: `okta.issuer` or `okta.defaultIssuer`, `okta.app.clientId`, `okta.app.clientSecret`; pick with the form
 *     field `person` (a person's id), as test/support/sign-in.ts does;
 *   - directory: `okta.org` with `okta.apiToken`, or a service app (`serviceApp`);
 *   - changes: `okta.world.removeFromGroup('ana', 'admins')`, `okta.world.setStatus('ana', 'SUSPENDED')`, ...;
 *   - faults: `okta.faults.idToken = { kind: 'signature' }`, `okta.faults.fail('token', { kind: 'hang' })`,
 *     `okta.keys.rotate({ dropOld: true })`, `okta.changeDpopNonce()`, ...;
 *   - signals: `okta.signals.universalLogout(url, 'ana')`, `.securityEvent`, `.sendEventHook`, `.tileUrl()`, ...
 * By hand: `npm run okta`. See docs/okta-stand-in.md.
 */

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JWK, Provider } from 'oidc-provider'
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js'
import { type LoopbackServer, listenOnLoopback } from '../listen.ts'
import { DEMO_PEOPLE, type Person } from '../people.ts'
import type { ServiceToken } from './api-access.ts'
import type { OktaApp, OktaServiceApp } from './app-settings.ts'
import {
  createServer,
  newCookieKey,
  type ServerOptions,
  signInPath,
} from './authorization-server.ts'
import { actOut, createFaults, delayEnd, type Faults, type OktaEndpoint } from './faults.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'
import { createManagementApi, type ManagementApi } from './management-api.ts'
import { createRateLimiter, type RateLimits, WORKFORCE_LIMITS } from './rate-limits.ts'
import { oktaShape } from './shape.ts'
import { answerSignIn } from './sign-in.ts'
import { oktaSignOut } from './sign-out.ts'
import { createSignals, type SendSignal, type Signals, sendByFetch } from './signals.ts'
import { oktaTokens } from './token-answers.ts'
import { createTokenVault, type TokenVault } from './token-vault.ts'
import { createWorld, type World } from './world.ts'

export interface OktaOptions {
  /** Default: a free one. */
  readonly port?: number
  readonly people?: readonly Person[]
  readonly app?: Partial<OktaApp>
  readonly serviceApp?: Partial<OktaServiceApp>
  readonly rateLimits?: Partial<RateLimits>
  /** Groups of a user on one page of `/users/{id}/groups`; default all. */
  readonly userGroupsPage?: number
  /** For the directory's times, rate limits and refresh leeway; tokens have the true time. */
  readonly now?: () => number
  /** How signals are delivered; default `fetch`. */
  readonly send?: SendSignal
}

export interface Okta {
  /** `http://127.0.0.1:PORT`: the organisation, and the issuer of its own server. */
  readonly org: string
  readonly issuer: string
  /** `ORG/oauth2/default` */
  readonly defaultIssuer: string
  readonly app: OktaApp
  readonly serviceApp: OktaServiceApp | undefined
  /** An SSWS token of a read-only admin. */
  readonly apiToken: string
  /** SSWS tokens that are valid: a test may take `apiToken` out. */
  readonly apiTokens: Set<string>
  readonly world: World
  readonly faults: Faults
  readonly keys: KeyRing
  readonly vault: TokenVault
  readonly signals: Signals
  /** In force from the next call on. */
  rateLimits: RateLimits
  /** Answers calls of the management API without a server in between. */
  readonly api: ManagementApi
  /** Addresses asked of the management API so far, path and query. */
  readonly apiCalls: string[]
  /** DPoP proofs with the nonce known so far are refused with a new one. */
  changeDpopNonce(): void
  close(): Promise<void>
}

/** Starts it on 127.0.0.1 with fresh keys and an empty memory. */
export async function startOkta(options: OktaOptions = {}): Promise<Okta> {
  let listener = (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(503).end()
  }
  const server = await listenOnLoopback(
    (request, response) => listener(request, response),
    options.port,
  )
  const okta = await build(options, server)
  listener = okta.listener
  return okta.okta
}

async function build(options: OktaOptions, server: LoopbackServer) {
  const { now = Date.now, people = DEMO_PEOPLE } = options
  const org = server.origin
  const keys = await createKeyRing()
  const faults = createFaults()
  const world = createWorld(people, now)
  const app = appOf(options.app)
  const serviceApp = serviceAppOf(options.serviceApp)
  const vault = createTokenVault(app.refreshRotation, now)
  const signingKey = keys.current().privateKey.export({ format: 'jwk' }) as JWK
  const shared = {
    ...{ org, app, serviceApp, world, faults, vault },
    adapter: createMemoryAdapter(),
    cookieKey: newCookieKey(),
    signingKey: { ...signingKey, alg: 'RS256', use: 'sig' },
  }
  const serve = (issuer: string, isOrg: boolean, dpopNonceSecret: Buffer) =>
    assemble({ ...shared, issuer, isOrg, dpopNonceSecret }, keys)
  const defaultIssuer = `${org}/oauth2/default`
  const custom = serve(defaultIssuer, false, randomBytes(32))
  let orgServer = serve(org, true, randomBytes(32))

  const apiToken = `00${randomBytes(30).toString('base64url')}`
  const apiTokens = new Set([apiToken])
  const apiCalls: string[] = []
  const limits = { ...WORKFORCE_LIMITS, ...options.rateLimits }
  const api = createManagementApi({
    world,
    limiter: createRateLimiter(() => okta.rateLimits, now),
    access: {
      tokens: apiTokens,
      serviceToken: (token) => findServiceToken(orgServer.provider, token),
    },
    userGroupsPage: () => options.userGroupsPage ?? Number.POSITIVE_INFINITY,
  })
  const okta: Okta = {
    ...{ org, issuer: org, defaultIssuer, app, serviceApp, apiToken, apiTokens },
    ...{ world, faults, keys, vault, api, apiCalls },
    rateLimits: limits,
    signals: createSignals({ org, app, keys, world, now, send: options.send ?? sendByFetch }),
    changeDpopNonce: () => {
      orgServer = serve(org, true, randomBytes(32))
    },
    close: server.close,
  }
  const router = { org: () => orgServer, custom: () => custom, okta, now }
  return {
    okta,
    listener: (request: IncomingMessage, response: ServerResponse) => {
      route(router, request, response).catch(() => response.destroy())
    },
  }
}

interface Assembled {
  readonly provider: Provider
  readonly callback: ReturnType<Provider['callback']>
}

function assemble(options: ServerOptions, keys: KeyRing): Assembled {
  const provider = createServer(options)
  provider.use(oktaSignOut(provider, options, keys))
  provider.use(oktaShape(options))
  provider.use(oktaTokens(options, keys))
  return { provider, callback: provider.callback() }
}

interface Router {
  org(): Assembled
  custom(): Assembled
  readonly okta: Okta
  now(): number
}

async function route(
  router: Router,
  request: IncomingMessage & { originalUrl?: string },
  response: ServerResponse,
): Promise<void> {
  const { okta } = router
  const target = request.url ?? '/'
  const { pathname } = new URL(target, okta.org)
  const endpoint = endpointOf(pathname)
  if (endpoint === 'api') okta.apiCalls.push(target)
  const fault = endpoint === undefined ? undefined : okta.faults.take(endpoint)
  if (fault !== undefined && !(await actOut(fault, response, router.now()))) return
  if (fault?.kind === 'late') delayEnd(response, fault.ms)
  if (endpoint === 'api') return answerApi(router, request, response)
  const isCustom =
    pathname.startsWith('/oauth2/default/') || pathname.startsWith(`${signInPath(false)}/`)
  const { provider, callback } = isCustom ? router.custom() : router.org()
  if (pathname.startsWith('/signin/')) {
    return answerSignIn(provider, okta.world, request, response)
  }
  if (isCustom) {
    // oidc-provider finds out from the two where it is mounted.
    request.originalUrl = target
    request.url = target.slice('/oauth2/default'.length)
  } else if (pathname === '/.well-known/oauth-authorization-server/oauth2/default') {
    request.url = '/oauth2/default/.well-known/oauth-authorization-server'
    return route(router, request, response)
  }
  await callback(request, response)
}

const ENDPOINTS: readonly (readonly [RegExp, OktaEndpoint])[] = [
  [/^\/api\/v1\//, 'api'],
  [/\.well-known\//, 'discovery'],
  [/\/v1\/keys$/, 'keys'],
  [/\/v1\/authorize$/, 'authorize'],
  [/\/v1\/token$/, 'token'],
  [/\/v1\/userinfo$/, 'userinfo'],
  [/\/v1\/logout$/, 'logout'],
  [/\/v1\/par$/, 'par'],
  [/\/v1\/introspect$/, 'introspect'],
  [/\/v1\/revoke$/, 'revoke'],
]

function endpointOf(pathname: string): OktaEndpoint | undefined {
  return ENDPOINTS.find(([pattern]) => pattern.test(pathname))?.[1]
}

async function answerApi(
  { okta, now }: Router,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { dpop } = request.headers
  const answer = await okta.api({
    method: request.method ?? 'GET',
    url: new URL(request.url ?? '/', okta.org),
    authorization: request.headers.authorization,
    dpop: typeof dpop === 'string' ? dpop : undefined,
  })
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    date: new Date(now()).toUTCString(),
    ...(answer.headers as Record<string, string | string[]>),
  })
  response.end(JSON.stringify(answer.body))
}

async function findServiceToken(
  provider: Provider,
  token: string,
): Promise<ServiceToken | undefined> {
  const found = await provider.ClientCredentials.find(token)
  if (found === undefined) return undefined
  return { scopes: new Set(found.scope?.split(' ')), jkt: found.jkt }
}

function appOf(settings: Partial<OktaApp> = {}): OktaApp {
  return {
    clientId: '0oa1gatehouse',
    clientSecret: randomBytes(32).toString('base64url'),
    clientAuth: 'client_secret_basic',
    keys: [],
    pkceRequired: true,
    redirectUris: ['http://localhost:8080/oauth2/callback'],
    postLogoutRedirectUris: ['http://localhost:8080/.gatehouse/signed_out'],
    refreshGrant: true,
    refreshRotation: { mode: 'ROTATE', leewaySeconds: 30 },
    tokenSeconds: 3_600,
    initiateLoginUri: undefined,
    frontchannelLogoutUri: undefined,
    idToken: 'fat',
    customGroupsClaim: undefined,
    overHundredGroups: 'fail',
    ...settings,
  }
}

function serviceAppOf(settings: Partial<OktaServiceApp> | undefined): OktaServiceApp | undefined {
  if (settings === undefined) return undefined
  return {
    clientId: '0oa1service',
    keys: [],
    dpop: true,
    scopes: ['okta.users.read', 'okta.groups.read'],
    ...settings,
  }
}
