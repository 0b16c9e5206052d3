/** `gatehouse sessions`: what an operator types and sees. */

import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Test, test } from 'tap'
import { freePort } from '../support/free-port.ts'
import { startReplicas } from '../support/start-replicas.ts'
import { runCommand } from './run-command.ts'

test('sessions are listed and revoked through the admin listener', async (t) => {
  const { gateways, signIn, visit } = await startReplicas(t, ['memory:'])
  const admin = ['--admin', gateways[0]?.adminUrl ?? '']
  const sessions = (...args: string[]) => runCommand(['sessions', ...args, ...admin])
  const cookies = [await signIn(0, 'ana'), await signIn(0, 'ben'), await signIn(0, 'chris')]
  const [, ben, chris] = cookies

  const all = await sessions('list')
  t.equal(all.exitCode, 0)
  const lines = all.stdout.split('\n')
  t.match(
    lines[0],
    /^USER +PROVIDER +METHOD +SIGNED IN +LAST SEEN +EXPIRES +ADDRESS +ID +USER AGENT$/,
  )
  t.match(
    all.stdout,
    /^ben@example\.com +demo +oidc +(\d{4}-\d\d-\d\d \d\d:\d\dZ +){3}127\.0\.0\.1 +[\w-]{43} +Mozilla/m,
  )
  t.equal(lines.at(-2), '3 sessions')

  const one = await sessions('list', '--user', 'BEN@example.com')
  t.match(one.stdout, /\n1 session\n$/)
  const id = /([\w-]{43})/.exec(one.stdout)?.[1] ?? ''
  t.match((await sessions('list', '--id', id)).stdout, /^ben@/m)

  t.strictSame(await sessions('revoke', '--id', id), {
    exitCode: 0,
    stdout: '1 session revoked\n',
    stderr: '',
  })
  t.equal((await visit(0, ben ?? '')).status, 401)
  t.equal((await visit(0, chris ?? '')).status, 200)
  t.match((await sessions('revoke', '--user', 'chris@example.com')).stdout, '1 session revoked')
  t.match((await sessions('revoke', '--all')).stdout, '1 session revoked')
  t.equal((await sessions('list')).stdout, '0 sessions\n')
  t.match((await sessions('revoke', '--id', '-starts-with-a-dash')).stdout, '0 sessions revoked')
})

test('a wish that is not clear revokes nothing', async (t) => {
  const { gateways, signIn, visit } = await startReplicas(t, ['memory:'])
  const cookie = await signIn(0)
  const admin = gateways[0]?.adminUrl ?? ''
  for (const args of [
    [],
    ['--user', 'ana@example.com', '--all'],
    ['--id', 'x', '--user', 'y'],
    ['--user'],
    ['ana@example.com'],
    ['--everything'],
  ]) {
    const { exitCode, stdout } = await runCommand(['sessions', 'revoke', ...args, '--admin', admin])
    t.equal(exitCode, 2, args.join(' '))
    t.equal(stdout, '')
  }
  t.equal((await runCommand(['sessions', 'revoke', '--all', '--admin', 'localhost'])).exitCode, 2)
  t.equal((await visit(0, cookie)).status, 200)
})

test('what keeps the answer away is one sentence, with exit code 1', async (t) => {
  const nobody = `http://127.0.0.1:${await freePort()}`
  const { exitCode, stdout, stderr } = await runCommand(['sessions', 'list', '--admin', nobody])
  t.equal(exitCode, 1)
  t.equal(stdout, '')
  t.match(stderr, `gatehouse: no admin listener answers at ${nobody}: `)
  t.match(stderr, /ECONNREFUSED/)
  t.equal(stderr.split('\n').length, 2)
})

/** An admin listener that answers as the test says. */
async function startAdmin(t: Test, status: number, body: string, headers = {}) {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    response.writeHead(status, headers).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('the token comes from the environment, goes to the admin listener alone, and is never shown', async (t) => {
  const env = { GATEHOUSE_ADMIN_TOKEN: 'hunter2' }
  const refusals: readonly [number, string, object, RegExp][] = [
    [
      401,
      '{"message":"no"}',
      {},
      /401: it wants `server\.admin_token`; put that in GATEHOUSE_ADMIN_TOKEN/,
    ],
    [404, '{"message":"no"}', {}, /404: beyond loopback it needs/],
    [503, '{"message":"down"}', {}, /503: down/],
    [500, '<html>', {}, /500: it is no admin listener of Gatehouse/],
    [302, '', { location: 'http://127.0.0.1:1/' }, /no admin listener answers/],
  ]
  for (const [status, body, headers, expected] of refusals) {
    const { asked, url } = await startAdmin(t, status, body, headers)
    const { exitCode, stdout, stderr } = await runCommand(
      ['sessions', 'list', '--admin', `${url}/ignored`],
      { env },
    )
    t.equal(exitCode, 1)
    t.match(stderr, expected)
    t.equal(asked.length, 1)
    t.equal(asked[0]?.headers.authorization, 'Bearer hunter2')
    t.notMatch(stdout + stderr, 'hunter2')
  }
  const { url } = await startAdmin(t, 200, '{}')
  for (const token of ['hunter2\n', 'hunter2 x', 'hünter2']) {
    const { exitCode, stderr } = await runCommand(['sessions', 'list', '--admin', url], {
      env: { GATEHOUSE_ADMIN_TOKEN: token },
    })
    t.equal(exitCode, 2)
    t.notMatch(stderr, /h.nter2/)
  }
})

test('what a client chose cannot steer the terminal', async (t) => {
  const session = {
    ...{ id: 'x', sub: 's', email: null, provider: 'p', method: 'oidc', address: '::1' },
    ...{ signed_in_at: '2026-03-02T09:00:00.000Z', last_seen_at: '2026-03-02T09:00:00.000Z' },
    ...{ expires_at: '2026-03-02T09:00:00.000Z', user_agent: 'evil\u001b[2J\nUSER' },
  }
  const { url } = await startAdmin(t, 200, JSON.stringify({ sessions: [session] }))
  const { stdout } = await runCommand(['sessions', 'list', '--admin', url])
  t.equal(stdout.split('\n').length, 4)
  t.match(stdout, 'evil\\u001b[2J\\u000aUSER')
})
