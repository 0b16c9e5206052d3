/** Gateways over one store, with Okta behind them, whose tokens run out when the test moves the gateways' clock. */

import type { Test } from 'tap'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Okta } from '../../src/demo/okta/okta.ts'
import { createBrowserClient } from './browser-client.ts'
import { signIn } from './sign-in.ts'
import { startGateway, type TestAnswer, type TestGateway } from './start-gateway.ts'
import { startOkta } from './start-okta.ts'
import { startUpstream, type Upstream } from './start-upstream.ts'

export const APP = 'http://app.localhost:8080'
const HOST = 'app.localhost:8080'

export interface Refreshing {
  readonly okta: Okta
  readonly upstream: Upstream
  readonly gateways: readonly TestGateway[]
  /** The gateways' clock. Okta has the true time, and its tokens last an hour. */
  readonly clock: { time: number }
  /** How often the token endpoint was asked since the last sign-in. */
  asked(): number
  /** Somebody signed in at gateway `at`: their cookie. */
  signIn(at: number, person?: string): Promise<string>
  visit(at: number, cookie: string): Promise<TestAnswer>
  openSocket(at: number, cookie: string): Promise<WebSocket>
}

export interface RefreshingOptions {
  /** `session.store` of each gateway. */
  readonly stores: readonly string[]
  /** For so long an old refresh token still works. */
  readonly leewaySeconds?: number
  /** Keys of `session`. */
  readonly session?: Readonly<Record<string, unknown>>
  /** Keys of the route, as YAML. */
  readonly route?: string
}

/** What the gateways' configs have in common: all that is asked of Okta, and sessions that do not end of themselves. */
export function refreshingConfig(okta: Okta, session: Readonly<Record<string, unknown>> = {}) {
  return {
    providers: {
      okta: {
        issuer: okta.issuer,
        client_id: okta.app.clientId,
        client_secret: okta.app.clientSecret,
        scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
      },
    },
    session: { idle: '12h', ...session },
  }
}

export function refreshingPolicies(upstream: string, route = 'allow_any_authenticated_user: true') {
  return `
routes:
  - name: app
    from: "${APP}"
    to: "${upstream}"
    allow_websockets: true
    set_request_headers: { X-Token: "\${access_token}" }
    ${route}
`
}

export async function startRefreshing(t: Test, options: RefreshingOptions): Promise<Refreshing> {
  const { stores, leewaySeconds = 0, session, route } = options
  const clock = { time: Date.now() }
  const okta = await startOkta(t, { app: { refreshRotation: { mode: 'ROTATE', leewaySeconds } } })
  let asked = 0
  const { take } = okta.faults
  okta.faults.take = (endpoint) => {
    if (endpoint === 'token') asked++
    return take(endpoint)
  }
  const upstream = await startUpstream(t)
  const sockets = new WebSocketServer({ noServer: true })
  upstream.server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (client) => client.on('error', () => undefined))
  })
  const policies = refreshingPolicies(upstream.origin, route)
  const gateways = await Promise.all(
    stores.map((store) =>
      startGateway(t, {
        policies,
        now: () => clock.time,
        config: refreshingConfig(okta, { store, ...session }),
      }),
    ),
  )
  const at = (index: number) => gateways[index] as TestGateway
  return {
    okta,
    upstream,
    gateways,
    clock,
    asked: () => asked,
    signIn: async (index, person = 'ana') => {
      const browser = createBrowserClient(at(index).port)
      const { status } = await signIn(browser, `${APP}/`, person)
      if (status !== 200) throw new Error(`not signed in: ${status}`)
      asked = 0
      return browser.cookieHeader('app.localhost')
    },
    visit: (index, cookie) => at(index).get(`${APP}/`, { headers: { cookie } }),
    openSocket: (index, cookie) => openSocket(t, at(index).port, cookie),
  }
}

async function openSocket(t: Test, port: number, cookie: string): Promise<WebSocket> {
  const { WebSocket } = await import('ws')
  const headers = { host: HOST, cookie, origin: APP }
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers })
  t.teardown(() => socket.terminate())
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('open', resolve))
  return socket
}
