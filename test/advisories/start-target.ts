/** What the attacks of this folder are tried on: a real gateway, a real provider, and an upstream that counts bytes. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BrowserClient, createBrowserClient } from '../support/browser-client.ts'
import { head, type RawAnswer, type RawRequestOptions, rawRequest } from '../support/raw-request.ts'
import type { Scope } from '../support/scope.ts'
import { signIn } from '../support/sign-in.ts'
import { type GatewayOptions, startGateway, type TestGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { type ByteUpstreamOptions, startByteUpstream } from './byte-upstream.ts'
import { typed } from './cases/redirects.ts'
import { APP, HOST, PEOPLE, type Target } from './target.ts'

export { APP, HOST, PEOPLE } from './target.ts'

export interface GatehouseTarget extends Target {
  readonly gateway: TestGateway
  /** Somebody's browser, signed in at the app; by default it keeps its session for the whole file. */
  signedIn(person: string): Promise<BrowserClient>
  /** A browser that nobody knows. */
  browser(): BrowserClient
  /** Sends these lines as the head of a request with `Connection: close`, and `body` behind it. */
  ask(lines: readonly string[], body?: string, options?: RawRequestOptions): Promise<RawAnswer>
  /** Sends the bytes of an upgrade that is let in, and waits until the upstream has it. */
  upgrade(bytes: string): Promise<void>
  /** The lines of the log of that method, once there are `count` of them. */
  logged(method: string, count: number): Promise<readonly Record<string, unknown>[]>
}

export interface TargetOptions extends Pick<GatewayOptions, 'config'> {
  /** Besides the routes below. */
  readonly routes?: (to: string) => string
  readonly answer?: ByteUpstreamOptions['answer']
}

const routesTo = (to: string) => `
routes:
  - { name: public, from: "${APP}", prefix: /public/, to: "${to}", allow_websockets: true, allow_public_unauthenticated_access: true }
  - { name: admin, from: "${APP}", prefix: /admin, to: "${to}", allow_websockets: true, allowed_groups: [admins] }
  - { name: rest, from: "${APP}", to: "${to}", allow_any_authenticated_user: true }
  - { name: keep-public, from: "http://keep.localhost:8080", prefix: /public/, to: "${to}", encoded_slashes: keep, allow_public_unauthenticated_access: true }
  - { name: keep-admin, from: "http://keep.localhost:8080", prefix: /admin, to: "${to}", encoded_slashes: keep, allowed_groups: [admins] }
  - { name: tenants, from: "http://*.tenants.localhost:8080", to: "${to}", allow_any_authenticated_user: true }
  - { name: nobody, from: "http://nobody.localhost:8080", to: "${to}" }
`

export async function startTarget(t: Scope, options: TargetOptions = {}): Promise<GatehouseTarget> {
  const { answer } = options
  const upstream = await startByteUpstream(t, answer === undefined ? {} : { answer })
  const provider = await startProvider(t, { people: PEOPLE })
  const gateway = await startGateway(t, {
    provider,
    config: options.config ?? {},
    policies: routesTo(upstream.origin) + (options.routes?.(upstream.origin) ?? ''),
  })
  const { port } = gateway
  const signedIn = rememberedSignIns(port)
  const cookie = async (who: string) => cookieLine(await signedIn(who))
  return {
    ...FACTS,
    port,
    upstream,
    cookie,
    redirectors: redirectors(cookie),
    ...(isSetToSpeakHttp2(options) ? { http2Port: async () => port } : {}),
    gateway,
    signedIn,
    browser: () => createBrowserClient(port),
    ask: (lines, body = '', raw = {}) =>
      rawRequest(port, head(...lines, 'Connection: close') + body, raw),
    async upgrade(bytes) {
      const before = upstream.requests.length
      await rawRequest(port, bytes)
      while (upstream.requests.length === before) await new Promise(setImmediate)
    },
    async logged(method, count) {
      // The log is written a tenth of a second later; nothing tells when.
      for (;;) {
        const lines = gateway.decisions().filter((line) => line['method'] === method)
        if (lines.length >= count) return lines
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }
}

const { version }: { readonly version: string } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
)

/** What holds of Gatehouse wherever it listens; the headers are those of an untouched config. */
const FACTS = {
  name: `Gatehouse ${version}`,
  sessionCookie: 'gatehouse',
  ownPath: '/.gatehouse/user',
  identity: {
    'X-Forwarded-User': 'sub',
    'X-Forwarded-Email': 'email',
    'X-Forwarded-Preferred-Username': 'preferred_username',
    'X-Forwarded-Groups': 'groups',
  },
  reserved: [
    'X-Forwarded-Access-Token',
    'X-Gatehouse-Jwt-Assertion',
    'X-Gatehouse-Anything',
    'X-Pomerium-Jwt-Assertion',
    'X-Pomerium-Claim-Email',
    'X-Auth-Request-User',
    'X-Auth-Request-Groups',
    'Remote-User',
    'Remote-Groups',
    'Remote-Email',
    'Remote-Name',
  ],
  vouches: {
    'X-Forwarded-For': /^127\.0\.0\.1$/,
    'X-Forwarded-Host': /^app\.localhost(:\d+)?$/,
    'X-Forwarded-Proto': /^http$/,
    'X-Forwarded-Port': /^8080$/,
    'X-Request-Id': /^[0-9a-f]{32}$/,
  },
  leadsTo: new Set([
    APP,
    'http://localhost:8080',
    'http://keep.localhost:8080',
    'http://new.localhost',
  ]),
} satisfies Partial<Target>

function redirectors(cookie: Target['cookie']): Target['redirectors'] {
  const own = (request: string, ...lines: readonly string[]) =>
    head(`${request} HTTP/1.1`, `Host: ${HOST}`, ...lines, 'Connection: close')
  return [
    {
      name: 'sign-in',
      ask: async (rd) => own(`GET /.gatehouse/sign_in?rd=${typed(rd)}`, await cookie('ada')),
    },
    {
      name: 'sign-out',
      ask: async (rd) => {
        const body = new URLSearchParams({ rd }).toString()
        const form = 'Content-Type: application/x-www-form-urlencoded'
        const lines = [`Origin: ${APP}`, form, `Content-Length: ${body.length}`]
        return own('POST /.gatehouse/sign_out', ...lines) + body
      },
    },
  ]
}

function isSetToSpeakHttp2({ config }: TargetOptions): boolean {
  const server = config?.['server']
  return typeof server === 'object' && server !== null && 'h2c' in server && server.h2c === true
}

/** Each of `PEOPLE` signs in once. */
function rememberedSignIns(port: number): GatehouseTarget['signedIn'] {
  const browsers = new Map<string, BrowserClient>()
  return async (who) => {
    const known = browsers.get(who)
    if (known !== undefined) return known
    const browser = createBrowserClient(port)
    const address = `${APP}/.gatehouse/sign_in?rd=${APP}/.gatehouse/user`
    const answer = await signIn(browser, address, who)
    if (answer.status !== 200) throw new Error(`${who} could not sign in: ${answer.status}`)
    browsers.set(who, browser)
    return browser
  }
}

/** The Cookie header line of somebody who is signed in. */
export function cookieLine(browser: BrowserClient, host = HOST): string {
  return `Cookie: ${browser.cookieHeader(host)}`
}
