/** What the attacks of this folder are tried on: a real gateway, a real provider, and an upstream that counts bytes. */

import type { Test } from 'tap'
import type { Person } from '../../src/demo/people.ts'
import { type BrowserClient, createBrowserClient } from '../support/browser-client.ts'
import { head, type RawAnswer, type RawRequestOptions, rawRequest } from '../support/raw-request.ts'
import { signIn } from '../support/sign-in.ts'
import { type GatewayOptions, startGateway, type TestGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { type ByteUpstream, type ByteUpstreamOptions, startByteUpstream } from './byte-upstream.ts'

export const APP = 'http://app.localhost:8080'
export const HOST = 'app.localhost'

const person = (id: string, groups: readonly string[], more: Partial<Person> = {}): Person => ({
  id,
  sub: `sub-${id}`,
  name: `${id} Example`,
  preferredUsername: id,
  email: `${id}@example.com`,
  groups,
  about: '',
  ...more,
})

/** `ada` is in `admins`; `mallory` is in groups that only look so; `dora` is in none. */
export const PEOPLE: readonly Person[] = [
  person('ada', ['admins', 'staff']),
  person('mallory', [
    'Admins',
    'admins ',
    ' admins',
    'admins-ro',
    'xadmins',
    'staff,admins',
    'adm',
  ]),
  person('dora', []),
  person('mei', ['admins'], { name: '名前 100%' }),
  person('crlf', ['admins'], { name: 'a\r\nX-Forwarded-User: root' }),
  person('many', [...Array.from({ length: 500 }, (_, i) => `group-number-${i}`), 'admins']),
]

export interface Target {
  readonly gateway: TestGateway
  readonly upstream: ByteUpstream
  readonly port: number
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

export async function startTarget(t: Test, options: TargetOptions = {}): Promise<Target> {
  const { answer } = options
  const upstream = await startByteUpstream(t, answer === undefined ? {} : { answer })
  const provider = await startProvider(t, { people: PEOPLE })
  const gateway = await startGateway(t, {
    provider,
    config: options.config ?? {},
    policies: routesTo(upstream.origin) + (options.routes?.(upstream.origin) ?? ''),
  })
  const { port } = gateway
  const browsers = new Map<string, BrowserClient>()
  return {
    gateway,
    upstream,
    port,
    browser: () => createBrowserClient(port),
    async signedIn(who) {
      const known = browsers.get(who)
      if (known !== undefined) return known
      const browser = createBrowserClient(port)
      const answer = await signIn(
        browser,
        `${APP}/.gatehouse/sign_in?rd=${APP}/.gatehouse/user`,
        who,
      )
      if (answer.status !== 200) throw new Error(`${who} could not sign in: ${answer.status}`)
      browsers.set(who, browser)
      return browser
    },
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

/** The Cookie header line of somebody who is signed in. */
export function cookieLine(browser: BrowserClient, host = HOST): string {
  return `Cookie: ${browser.cookieHeader(host)}`
}
