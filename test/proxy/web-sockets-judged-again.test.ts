/** Open WebSockets follow policies that change, routes that go, and criteria of time. */

import { once } from 'node:events'
import { SignJWT } from 'jose'
import { type Test, test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { CLIENT_ID, startFakeProvider } from '../identity/fake-provider.ts'
import { startGateway } from '../support/start-gateway.ts'

const ORIGIN = 'http://chat.localhost:8080'

async function startAll(t: Test, route: (keys: string) => string, first: string) {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(sockets, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
  })
  const { port } = sockets.address() as { port: number }
  const idp = await startFakeProvider(t)
  const clock = { offset: 0 }
  const policies = (keys: string) =>
    `routes:\n  - { from: "http://other.localhost:8080", to: "http://127.0.0.1:9", allow_public_unauthenticated_access: true }\n${route(keys).replace('UPSTREAM', `http://127.0.0.1:${port}`)}`
  const gateway = await startGateway(t, {
    config: {
      providers: { demo: { issuer: idp.issuer, client_id: CLIENT_ID, client_secret: 'x' } },
    },
    policies: policies(first),
    now: () => Date.now() + clock.offset,
  })
  const now = Math.floor(Date.now() / 1_000)
  const open = async (
    groups: readonly string[] | undefined,
    headers: Record<string, string> = {},
  ) => {
    const claims = { iss: idp.issuer, aud: 'api', sub: '00u1', groups, exp: now + 3_600 }
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'key-1', typ: 'at+jwt' })
      .sign(idp.keys.signing.privateKey)
    const authorization = groups === undefined ? {} : { authorization: `Bearer ${token}` }
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/room`, {
      headers: { host: 'chat.localhost:8080', ...authorization, ...headers },
    })
    t.teardown(() => socket.terminate())
    const closed = once(socket, 'close').then(([code, reason]) => `${code} ${reason}`)
    await once(socket, 'open')
    return { socket, closed }
  }
  const change = async (keys: string) => {
    gateway.writePolicies(policies(keys))
    await gateway.gateway.reload()
  }
  return { gateway, clock, open, change }
}

const chat = (keys: string) =>
  keys === ''
    ? ''
    : `  - { name: chat, from: "${ORIGIN}", to: "UPSTREAM", allow_websockets: true, ${keys} }\n`
const BEARER = 'bearer: { provider: demo, audience: [api] }'
const ENDED = '1008 access has ended'

/** By then every open WebSocket has been looked at again. */
async function looked(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2_200))
}

test('a policy that changes closes those whom it keeps out, and nobody else', async (t) => {
  const { open, change } = await startAll(t, chat, `${BEARER}, allowed_groups: [a, b]`)
  const [a, b] = [await open(['a']), await open(['b'])]
  await change(`${BEARER}, allowed_groups: [a, b], description: nothing that matters`)
  await looked()
  t.strictSame([a.socket.readyState, b.socket.readyState], [WebSocket.OPEN, WebSocket.OPEN])
  await change(`${BEARER}, allowed_groups: [a]`)
  t.equal(await b.closed, ENDED)
  t.equal(a.socket.readyState, WebSocket.OPEN)
})

const CHANGES: Record<
  string,
  readonly [before: string, after: string, groups?: readonly string[]]
> = {
  'a route that is gone': [`${BEARER}, allow_any_authenticated_user: true`, ''],
  'a route that takes no WebSockets any more': [
    `${BEARER}, allow_any_authenticated_user: true`,
    `${BEARER}, allow_any_authenticated_user: true, allow_websockets: false`,
  ],
  'a route that no longer admits such tokens': [
    `${BEARER}, allow_any_authenticated_user: true`,
    'bearer: { provider: demo, audience: [other] }, allow_any_authenticated_user: true',
  ],
  'a route that admits no tokens': [
    `${BEARER}, allow_any_authenticated_user: true`,
    'allow_any_authenticated_user: true',
  ],
  'a public route that becomes private, for those without a session': [
    'allow_public_unauthenticated_access: true',
    'allow_any_authenticated_user: true',
    [],
  ],
}

for (const [what, [before, after, groups]] of Object.entries(CHANGES)) {
  test(`closed: ${what}`, async (t) => {
    const withoutTwice = (keys: string) =>
      keys.includes('allow_websockets')
        ? chat(keys).replace('allow_websockets: true, ', '')
        : chat(keys)
    const { open, change } = await startAll(t, withoutTwice, before)
    const { closed } = await open(groups === undefined ? ['a'] : undefined)
    await change(after)
    t.equal(await closed, ENDED)
  })
}

test('closed: when the time comes that a policy names', async (t) => {
  const until = new Date(Date.now() + 60_000).toISOString()
  const { open, clock } = await startAll(
    t,
    chat,
    `${BEARER}, policy: [{ allow: { and: [{ authenticated_user: true }, { date: { before: "${until}" } }] } }]`,
  )
  const { closed, socket } = await open(['a'])
  await looked()
  t.equal(socket.readyState, WebSocket.OPEN)
  clock.offset = 61_000
  t.equal(await closed, ENDED)
})

test('a route that only reports closes nobody', async (t) => {
  const { open, change } = await startAll(t, chat, `${BEARER}, allowed_groups: [a]`)
  const { socket } = await open(['a'])
  await change(`${BEARER}, allowed_groups: [b], report_only: true`)
  await looked()
  t.equal(socket.readyState, WebSocket.OPEN)
})
