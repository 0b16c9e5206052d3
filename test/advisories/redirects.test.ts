/** Class E: no address that somebody else wrote leads a browser away from the hosts that are served. */

import { test } from 'tap'
import {
  ADDRESSES,
  addresses,
  longAddress,
  originAfter,
  pathsBack,
  typed,
} from './cases/redirects.ts'
import { holds } from './holds.ts'
import { APP, cookieLine, HOST, startTarget } from './start-target.ts'

test('E: redirects', async (t) => {
  const target = await startTarget(t, {
    routes: () => `
  - { name: moved, from: "http://old.localhost:8080", redirect: { host: new.localhost }, allow_public_unauthenticated_access: true }
`,
  })
  const { ask } = target
  const ada = cookieLine(await target.signedIn('ada'))

  await holds(t, target, addresses, ({ answer }, name) => {
    const leads = answer.header('location') !== undefined
    const status = name.startsWith('sign-out') ? 303 : 302
    return (answer.status === status && leads) || (answer.status === 400 && status === 302)
  })
  await holds(t, target, longAddress)

  await holds(t, target, pathsBack, ({ answer }) => {
    if (answer.status === 400) return true
    const { origin, pathname, searchParams } = new URL(answer.header('location') ?? 'x:')
    const back = new URL(searchParams.get('rd') ?? 'x:')
    return origin + pathname === `${APP}/.gatehouse/sign_in` && back.origin === APP
  })

  await t.test('no path leads away from where a route redirects to', async (t) => {
    const left: string[] = []
    for (const path of ADDRESSES) {
      const answer = await ask([`GET /${typed(path)} HTTP/1.1`, 'Host: old.localhost'])
      if (answer.status === 400) continue
      if (originAfter(answer.header('location')) !== 'http://new.localhost') left.push(path)
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
