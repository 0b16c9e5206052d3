/** Gateways that share a store, a provider whose signals the test signs, and people with open WebSockets. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import type { Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type FakeKey,
  type FakeProvider,
  type Json,
  startFakeProvider,
} from '../identity/fake-provider.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import {
  PUBLIC_URL,
  startGateway,
  type TestAnswer,
  type TestGateway,
} from '../support/start-gateway.ts'
import { tempFolder } from '../support/temp-folder.ts'

export const APP = 'http://app.localhost:8080'

export interface Person {
  readonly sub: string
  readonly sid?: string | undefined
  readonly email?: string
}

export interface SignedIn {
  /** The status of a request to the app by this person, at gateway `at`. */
  status(at?: number): Promise<number>
  readonly socket: WebSocket
  /** Resolves with the code by which the WebSocket is closed. */
  readonly closed: Promise<number>
}

export interface SignalFixture {
  readonly idp: FakeProvider
  readonly gateways: readonly TestGateway[]
  /** Begins a sign-in and stops before the provider's answer is brought back: `finish` brings it. */
  begin(person: Person, at?: number): Promise<{ finish(): Promise<SignedIn | undefined> }>
  signIn(person: Person, at?: number): Promise<SignedIn>
  /** What a provider signs. */
  sign(claims: Json, header?: Json, key?: FakeKey): Promise<string>
  post(path: string, body: string, headers: Record<string, string>): Promise<TestAnswer>
}

export async function startSignals(
  t: Test,
  options: {
    readonly count?: number
    readonly providerConfig?: (idp: FakeProvider) => Json
    readonly prepare?: (idp: FakeProvider) => void
  } = {},
): Promise<SignalFixture> {
  const idp = await startFakeProvider(t)
  options.prepare?.(idp)
  const upstream = await startSocketServer(t)
  const store = `sqlite://${join(tempFolder(t), 'sessions.db')}`
  const provider = { issuer: idp.issuer, client_id: CLIENT_ID, client_secret: CLIENT_SECRET }
  const gateways: TestGateway[] = []
  for (let i = 0; i < (options.count ?? 1); i++) {
    gateways.push(
      await startGateway(t, {
        config: {
          providers: { demo: { ...provider, ...options.providerConfig?.(idp) } },
          session: { store },
        },
        policies: `
routes:
  - { name: app, from: "${APP}", to: "${upstream}", allow_websockets: true, allow_any_authenticated_user: true }
`,
      }),
    )
  }
  const gatewayAt = (at: number): TestGateway => {
    const gateway = gateways[at]
    if (gateway === undefined) throw new Error(`no gateway ${at}`)
    return gateway
  }

  const begin = async ({ sub, sid, email = `${sub}@example.com` }: Person, at = 0) => {
    const gateway = gatewayAt(at)
    const browser = createBrowserClient(gateway.port)
    const answer = await browser.follow(`${APP}/`, { until: ({ origin }) => origin === idp.issuer })
    idp.faults.claims = (claims) => ({
      ...claims,
      sub,
      email,
      ...(sid === undefined ? {} : { sid }),
    })
    const query = idp.approve(new URL(answer.location ?? answer.url))
    const finish = async (): Promise<SignedIn | undefined> => {
      await browser.follow(`${PUBLIC_URL}/oauth2/callback${query}`, {
        until: ({ origin }) => origin === idp.issuer,
      })
      const cookie = browser.cookieHeader('app.localhost')
      if (!/(^|; )gatehouse=/.test(cookie)) return undefined
      const headers = { host: 'app.localhost:8080', cookie, origin: APP }
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, { headers })
      t.teardown(() => socket.terminate())
      await once(socket, 'open')
      const closed = once(socket, 'close').then(([code]) => Number(code))
      const status = async (where = at) => {
        const page = await gatewayAt(where).get(`${APP}/x`, { headers: { cookie } })
        return page.status
      }
      return { status, socket, closed }
    }
    return { finish }
  }

  return {
    idp,
    gateways,
    begin,
    signIn: async (person, at) => {
      const { finish } = await begin(person, at)
      const signedIn = await finish()
      if (signedIn === undefined) throw new Error('the sign-in made no session')
      return signedIn
    },
    sign: (claims, header = {}, key = idp.keys.signing) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: key.jwk.kid ?? '', ...header })
        .sign(key.privateKey),
    post: (path, body, headers) =>
      gatewayAt(gateways.length - 1).get(`${PUBLIC_URL}${path}`, { method: 'POST', body, headers }),
  }
}

/** Resolves once `holds`; what takes longer than a second fails. */
export async function withinASecond(t: Test, what: string, holds: () => Promise<boolean>) {
  const start = Date.now()
  let done = await holds()
  while (!done && Date.now() - start < 5_000) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    done = await holds()
  }
  const took = Date.now() - start
  t.ok(done && took <= 1_300, `${what}: ${done ? `after ${took} ms` : 'never'}`)
}

async function startSocketServer(t: Test): Promise<string> {
  const server = createServer((_request, response) => response.end('plain'))
  const sockets = new WebSocketServer({ server })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
