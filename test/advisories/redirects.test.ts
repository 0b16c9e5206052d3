/** Class E: no address that somebody else wrote leads a browser away from the hosts that are served. */

import { test } from 'tap'
import { hostileTargets } from '../endpoints/redirect-targets.ts'
import { APP, cookieLine, HOST, startTarget } from './start-target.ts'

const SERVED = new Set([
  APP,
  'http://localhost:8080',
  'http://keep.localhost:8080',
  'http://new.localhost',
])

/** Where a browser goes that reads `location` at the app. */
function originAfter(location: string | undefined): string {
  return location === undefined ? 'nowhere' : (URL.parse(location, APP)?.origin ?? 'nowhere')
}

/** Bytes as somebody types them into a link, not tidied up by any library; without what no request line can hold. */
function typed(target: string): string {
  return Buffer.from(target, 'utf8')
    .toString('latin1')
    .replace(/[\r\n]/g, '')
}

test('E: redirects', async (t) => {
  const target = await startTarget(t, {
    routes: () => `
  - { name: moved, from: "http://old.localhost:8080", redirect: { host: new.localhost }, allow_public_unauthenticated_access: true }
`,
  })
  const { ask } = target
  const ada = cookieLine(await target.signedIn('ada'))
  // All single finds, which stand last, and a part of the combinations.
  const targets = hostileTargets().filter((_, n, all) => n % 8 === 0 || n > all.length - 60)

  await t.test('no `rd` leads away, typed raw into the address of a sign-in', async (t) => {
    const left: string[] = []
    for (const rd of targets) {
      const { status, headerLines } = await ask([
        `GET /.gatehouse/sign_in?rd=${typed(rd)} HTTP/1.1`,
        `Host: ${HOST}`,
        ada,
      ])
      const locations = headerLines
        .filter((line) => /^location:/i.test(line))
        .map((line) => line.slice(9).trim())
      const isFine =
        status === 400 ||
        (status === 302 && locations.length === 1 && SERVED.has(originAfter(locations[0])))
      if (!isFine) left.push(`${status} ${locations}: ${rd}`)
    }
    t.same(left, [])
  })

  await t.test(
    'no path leads away by the redirect to a sign-in, nor by what comes after it',
    async (t) => {
      const left: string[] = []
      for (const path of targets) {
        const answer = await ask([
          `GET /${typed(path)} HTTP/1.1`,
          `Host: ${HOST}`,
          'Accept: text/html',
        ])
        if (answer.status === 400) continue
        const location = new URL(answer.header('location') ?? 'x:')
        const back = location.searchParams.get('rd') ?? ''
        const isFine =
          location.origin === APP &&
          location.pathname === '/.gatehouse/sign_in' &&
          new URL(back).origin === APP
        if (!isFine) left.push(`${answer.status} ${location}: ${path}`)
      }
      t.same(left, [])
    },
  )

  await t.test('no path leads away from where a route redirects to', async (t) => {
    const left: string[] = []
    for (const path of targets) {
      const answer = await ask([`GET /${typed(path)} HTTP/1.1`, 'Host: old.localhost'])
      if (answer.status === 400) continue
      if (originAfter(answer.header('location')) !== 'http://new.localhost') left.push(path)
    }
    t.same(left, [])
  })

  await t.test('no form leads away after a sign-out', async (t) => {
    const left: string[] = []
    for (const rd of targets) {
      const body = new URLSearchParams({ rd }).toString()
      const { status, ...answer } = await ask(
        [
          'POST /.gatehouse/sign_out HTTP/1.1',
          `Host: ${HOST}`,
          `Origin: ${APP}`,
          'Content-Type: application/x-www-form-urlencoded',
          `Content-Length: ${body.length}`,
        ],
        body,
      )
      if (status !== 303 || !SERVED.has(originAfter(answer.header('location')))) left.push(rd)
    }
    t.same(left, [])
  })

  await t.test(
    'an address of a hundred kilobytes leads to the front page, or is too long',
    async (t) => {
      const long = 'a'.repeat(100_000)
      t.equal(
        (await ask([`GET /.gatehouse/sign_in?rd=/${long} HTTP/1.1`, `Host: ${HOST}`, ada])).status,
        414,
      )
      const nearly = 'a'.repeat(12_000)
      const answer = await ask([
        `GET /.gatehouse/sign_in?rd=/${nearly} HTTP/1.1`,
        `Host: ${HOST}`,
        ada,
      ])
      t.equal(answer.header('location'), '/')
    },
  )

  await t.test('line ends in an address stay out of the head of the answer', async (t) => {
    for (const rd of [
      '/%0d%0aSet-Cookie:x=1',
      '/%0aX:1',
      '/%E5%98%8A%E5%98%8DSet-Cookie:x=1',
      '/%c4%8d%c4%8aX:1',
    ]) {
      const answer = await ask([`GET /.gatehouse/sign_in?rd=${rd} HTTP/1.1`, `Host: ${HOST}`, ada])
      t.same(
        answer.headerLines.filter((line) => /^(set-cookie|x):/i.test(line)),
        [],
      )
      t.equal(answer.answers, 1)
    }
  })
})
