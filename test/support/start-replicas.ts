/** Several gateways with one store, a public and a private route, WebSockets, and people who sign in. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { createBrowserClient } from './browser-client.ts'
import { signIn } from './sign-in.ts'
import {
  type RequestOptions,
  startGateway,
  type TestAnswer,
  type TestGateway,
} from './start-gateway.ts'
import { startProvider } from './start-provider.ts'

export const PRIVATE = 'http://private.localhost:8080'
export const PUBLIC = 'http://public.localhost:8080'

/** What people need of a gateway, wherever it runs. */
export interface Reachable {
  readonly port: number
  get(url: string, options?: RequestOptions): Promise<TestAnswer>
}

export interface Visitors {
  /** Somebody signed in at gateway `at`: their cookie for the private host. */
  signIn(at: number, person?: string): Promise<string>
  /** What gateway `at` answers to whoever has `cookie`. */
  visit(at: number, cookie: string): Promise<TestAnswer>
  visitPublic(at: number): Promise<TestAnswer>
  /** Signs the session of `cookie` out at gateway `at`. */
  signOut(at: number, cookie: string): Promise<TestAnswer>
  /** A WebSocket at gateway `at`, open from end to end. */
  openSocket(at: number, cookie: string): Promise<WebSocket>
}

export interface Replicas extends Visitors {
  readonly gateways: readonly TestGateway[]
}

/** An upstream that answers and echoes, a provider, and the policies of a gateway in front of both. */
export async function startSurroundings(t: Test) {
  const upstream = await startEcho(t)
  const provider = await startProvider(t)
  const policies = `
routes:
  - { name: private, from: "${PRIVATE}", to: "${upstream}", allow_websockets: true, allow_any_authenticated_user: true }
  - { name: public, from: "${PUBLIC}", to: "${upstream}", allow_websockets: true, allow_public_unauthenticated_access: true }
`
  return { upstream, provider, policies }
}

/** @param stores `session.store` of each gateway */
export async function startReplicas(
  t: Test,
  stores: readonly string[],
  config: Readonly<Record<string, unknown>> = {},
): Promise<Replicas> {
  const { provider, policies } = await startSurroundings(t)
  const gateways = await Promise.all(
    stores.map((store) => {
      const session = { store, ...(config['session'] as object | undefined) }
      return startGateway(t, { provider, policies, config: { ...config, session } })
    }),
  )
  return { gateways, ...visitorsOf(t, gateways) }
}

/** People with browsers at `gateways`, which have the policies of `startSurroundings` and one store. */
export function visitorsOf(t: Test, gateways: readonly Reachable[]): Visitors {
  const gatewayAt = (at: number): Reachable => {
    const gateway = gateways[at]
    if (gateway === undefined) throw new Error(`there is no gateway ${at}`)
    return gateway
  }
  return {
    signIn: async (at, person = 'ana') => {
      const browser = createBrowserClient(gatewayAt(at).port)
      const { status } = await signIn(browser, `${PRIVATE}/`, person)
      if (status !== 200) throw new Error(`not signed in: ${status}`)
      return browser.cookieHeader('private.localhost')
    },
    visit: (at, cookie) => gatewayAt(at).get(`${PRIVATE}/`, { headers: { cookie } }),
    visitPublic: (at) => gatewayAt(at).get(`${PUBLIC}/`),
    signOut: (at, cookie) =>
      gatewayAt(at).get(`${PRIVATE}/.gatehouse/sign_out`, {
        method: 'POST',
        headers: {
          cookie,
          'sec-fetch-site': 'same-origin',
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: '',
      }),
    openSocket: async (at, cookie) => {
      const headers = { host: new URL(PRIVATE).host, cookie, origin: PRIVATE }
      const socket = new WebSocket(`ws://127.0.0.1:${gatewayAt(at).port}/`, { headers })
      t.teardown(() => socket.terminate())
      socket.on('error', () => undefined)
      await once(socket, 'open')
      // It is open to the upstream too once that has answered.
      socket.send('hello')
      await once(socket, 'message')
      return socket
    },
  }
}

async function startEcho(t: Test): Promise<string> {
  const server = createServer((request, response) =>
    response.end(request.headers['x-forwarded-email'] ?? 'hello'),
  )
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('error', () => undefined)
    socket.on('message', (data, binary) => socket.send(data, { binary }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
