/** The runner finds what is wrong with a proxy that believes what it is sent, and nothing with what cannot go wrong. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'tap'
import type { Scope } from '../support/scope.ts'
import { type ByteUpstreamOptions, startByteUpstream } from './byte-upstream.ts'
import { ATTACKS } from './cases/all.ts'
import { hostileAnswer } from './cases/hostile-upstream.ts'
import { readingsOf } from './readings.ts'
import { details, summary, table } from './report.ts'
import { APP, type Target } from './target.ts'
import { tryAttacks } from './verdicts.ts'

/** Whoever sends no more and is sent no more has been read to the end. */
const IDLE_MS = 200

/** Judges the bytes of the first request by how they begin, adds who asks, and passes everything on as it is. */
async function startGullible(
  scope: Scope,
  options: ByteUpstreamOptions,
  isOpen = (path: string, who: string | undefined) =>
    path.startsWith('/public/') ||
    (who !== undefined && (who === 'ada' || !path.startsWith('/admin'))),
): Promise<Target> {
  const upstream = await startByteUpstream(scope, options)
  const { port: upstreamPort } = new URL(upstream.origin)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const onward = connect(Number(upstreamPort), '127.0.0.1')
    for (const socket of [client, onward]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.setTimeout(IDLE_MS, () => socket.destroy())
      socket.on('close', () => {
        client.destroy()
        onward.destroy()
      })
    }
    client.once('data', (chunk) => {
      const text = chunk.toString('latin1')
      const who = /^Cookie: who=(\w+)/im.exec(text)?.[1]
      const path = text.split(' ')[1] ?? ''
      if (!isOpen(path, who)) {
        client.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        return
      }
      const line = who === undefined ? '' : `\r\nX-User: sub-${who}`
      onward.write(Buffer.from(text.replace('\r\n', `${line}\r\n`), 'latin1'))
      client.pipe(onward)
      onward.on('data', (answer) => {
        client.write(answer)
        if (/Connection: close/i.test(text)) client.end()
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  scope.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    name: 'a gullible proxy',
    port: (server.address() as AddressInfo).port,
    upstream,
    cookie: async (who) => `Cookie: who=${who}`,
    sessionCookie: 'who',
    identity: { 'X-User': 'sub' },
    reserved: [],
    vouches: {},
    leadsTo: new Set([APP]),
    redirectors: [],
    ownPath: '/own',
  }
}

const among = (...ids: readonly string[]) => ATTACKS.filter(({ id }) => ids.includes(id))

test('what is wrong is found, and told with what was sent and what arrived', async (t) => {
  const target = await startGullible(t, { answer: hostileAnswer })
  const attacks = among(
    'A1, A2, A4, A11',
    'A1, A3',
    'A3',
    'A5',
    'A8',
    'C1',
    'C2',
    'C3',
    'C4',
    'H1',
    'H2',
  )
  const verdicts = await tryAttacks(target, attacks)
  const kinds = new Map<string, string>()
  for (const { attack, kind } of verdicts) {
    if (kinds.get(attack.id) !== 'did not hold') kinds.set(attack.id, kind)
  }
  t.same(
    [...kinds],
    attacks
      .filter(({ id }, n) => attacks.findIndex((one) => one.id === id) === n)
      .map(({ id }) => [id, id === 'A8' ? 'not applicable' : 'did not hold']),
  )
  const tried = { name: target.name, verdicts }
  t.match(summary(tried), /^a gullible proxy: \d+ held, \d+ did not hold, \d not applicable$/)
  const told = details(verdicts)
  t.match(told, '`GET /public/../admin HTTP/1.1` arrived, which is `/admin` as RFC 3986')
  t.match(told, 'sent "GET /public/../admin HTTP/1.1\\r\\nHost: app.localhost')
  t.match(told, '`X_User: root` arrived from nobody')
  t.match(told, 'several framings')
  t.match(table([tried]), '| not applicable: it is set to send no name |')
})

test('a proxy that is not set up as the attacks need it is tried with none', async (t) => {
  const target = await startGullible(t, {}, () => true)
  await t.rejects(tryAttacks(target, ATTACKS), {
    message: 'a gullible proxy is not set up as the attacks need it: /x by nobody',
  })
})

test('a path is read in each way that servers are known for', async (t) => {
  const read = (target: string) => [...new Set(readingsOf(target).values())]
  t.same(read('/public/a?/../admin'), ['/public/a'])
  t.same(read('http://app.localhost/public/%61'), ['/public/a'])
  t.same(read('/public/../admin/.'), ['/admin/'])
  t.same(read('/public/%2e%2e/admin'), ['/admin'])
  t.same(read('/public/..%2fadmin'), ['/public/..%2fadmin', '/admin'])
  t.same(read('/public/..%5cadmin'), ['/public/..%5cadmin', '/public/..\\admin', '/admin'])
  t.same(read('/public/..;x/admin'), ['/public/..;x/admin', '/admin'])
  t.same(read('/public/%252e%252e/admin'), ['/public/%252e%252e/admin', '/public/%2e%2e/admin'])
  t.same(read('//public//a'), ['//public//a', '/public/a'])
})
