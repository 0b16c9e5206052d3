/** Class C over sockets: whatever the bytes, the upstream gets the path that was judged and logged, or nothing. */

import { test } from 'tap'
import {
  notOneHost,
  oddMethods,
  SAME_HOSTS,
  STRANGE_HOSTS,
  sameHosts,
  strangeHosts,
} from './cases/hosts-and-methods.ts'
import { closedPaths, OPEN_PATHS, openPaths, ownPaths, QUERY, UPGRADE } from './cases/paths.ts'
import { holds } from './holds.ts'
import { APP, cookieLine, HOST, startTarget } from './start-target.ts'

test('C: paths over sockets', async (t) => {
  const target = await startTarget(t)
  const { ask, upstream } = target

  for (const attack of closedPaths) {
    await holds(t, target, attack, ({ answer, arrived }, name) => {
      const isClosed = [400, 401, 403, 404, 421].includes(answer.status) && arrived.length === 0
      return isClosed || !name.endsWith('by nobody')
    })
  }

  await holds(t, target, openPaths, ({ arrived }, name) => {
    const path = Object.keys(OPEN_PATHS).find((one) => name === one || name === `${one}${QUERY}`)
    return arrived[0]?.target === `${OPEN_PATHS[path ?? '']}${name === path ? '' : QUERY}`
  })

  await t.test('what was judged and sent is what is logged', async (t) => {
    const meant = Object.values(OPEN_PATHS).flatMap((path) => [path, path])
    const logged = await target.logged('REPORT', meant.length)
    t.same(
      logged.map((line) => line['path']),
      meant,
    )
    t.notMatch(JSON.stringify(logged), '%61', 'and no query is')
  })

  await holds(t, target, ownPaths)

  await t.test('an upgrade is sent in the same bytes', async (t) => {
    const path = '/public/\'{}|^`"<>?q=\'%61{}|^`"<>'
    const request = `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${UPGRADE}\r\n`
    await target.upgrade(request)
    t.equal(upstream.last.target, path)
  })

  await t.test('a path that only looks like ours goes to the route that takes it', async (t) => {
    const ada = cookieLine(await target.signedIn('ada'))
    const lookAlikes = [
      '/.Gatehouse/user',
      '/.gatehouse;x/user',
      '/.gatehouse.',
      '/x/.gatehouse/user',
    ]
    for (const path of lookAlikes) {
      t.equal((await ask([`GET ${path} HTTP/1.1`, `Host: ${HOST}`])).status, 401, path)
      await ask([`GET ${path} HTTP/1.1`, `Host: ${HOST}`, ada])
      t.equal(upstream.last.target, path)
    }
  })

  await t.test('a path of ours in another spelling is ours, and never a route’s', async (t) => {
    upstream.forget()
    const ada = cookieLine(await target.signedIn('ada'))
    const spellings: Record<string, number> = {
      '/.gatehouse/user': 200,
      '//.gatehouse//user': 200,
      '/%2Egatehouse/user': 200,
      '/.g%61tehouse/us%65r': 200,
      [`http://${HOST}/.gatehouse/user`]: 200,
      '/.gatehouse/nothing': 404,
      '/.gatehouse/user/': 404,
      '/.gatehouse/upgrade': 404,
      '/.gatehouse%2fuser': 400,
      '/.gatehouse/../admin': 400,
      '/.gatehouse/..;/admin': 400,
      '/public/../.gatehouse/user': 400,
      '/.gatehouse\\user': 400,
    }
    for (const [path, status] of Object.entries(spellings)) {
      t.equal((await ask([`GET ${path} HTTP/1.1`, `Host: ${HOST}`, ada])).status, status, path)
    }
    t.same(upstream.requests, [])
  })

  await t.test('where slashes are kept, dot segments between them are found', async (t) => {
    upstream.forget()
    const paths = [
      '/public/..%2fadmin',
      '/public/%2e%2e%2Fadmin',
      '/public%2f..%2fadmin',
      '/public/a%5C..%5cadmin',
      '/public/..%252fadmin%2f..',
      '/public/%2f..',
      '/public/.%2f',
      '/public/..;%2fadmin',
    ]
    for (const path of paths) {
      const { status } = await ask([`GET ${path} HTTP/1.1`, 'Host: keep.localhost'])
      t.equal(status, 400, path)
    }
    t.same(upstream.requests, [])
    t.equal((await ask(['GET /admin%2fx HTTP/1.1', 'Host: keep.localhost'])).status, 404)
    await ask(['GET /public/a%2fb%5Cc%252f HTTP/1.1', 'Host: keep.localhost'])
    t.equal(upstream.last.target, '/public/a%2Fb%5Cc%252f')
  })

  t.same(upstream.problems, [])
})

test('C: hosts and methods over sockets', async (t) => {
  const target = await startTarget(t)
  const { ask, upstream } = target

  for (const host of SAME_HOSTS) {
    await t.test(`${host} is judged as app.localhost`, async (t) => {
      t.equal((await ask(['GET /admin HTTP/1.1', `Host: ${host}`])).status, 401)
      await ask(['GET /public/x HTTP/1.1', `Host: ${host}`])
      t.match(upstream.last.header('x-forwarded-host'), [/^app\.localhost(:\d+)?$/])
    })
  }

  await holds(t, target, sameHosts)

  await holds(
    t,
    target,
    strangeHosts,
    ({ answer }, name) => answer.status === STRANGE_HOSTS[JSON.parse(name)],
  )

  await t.test('a host that is none is refused on our own paths, too', async (t) => {
    upstream.forget()
    for (const [host, expected] of Object.entries(STRANGE_HOSTS)) {
      const own = await ask(['GET /.gatehouse/user HTTP/1.1', `Host: ${host}`])
      t.equal(own.status, expected, host)
    }
    const tenant = await ask(['GET /x HTTP/1.1', 'Host: tostring.tenants.localhost'])
    t.equal(tenant.status, 401)
    t.same(upstream.requests, [])
  })

  await holds(t, target, notOneHost, ({ answer }) => answer.status === 400)

  await holds(
    t,
    target,
    oddMethods,
    ({ answer, arrived }) => answer.status === 400 && answer.answers === 1 && arrived.length === 0,
  )

  await t.test('the host of a wildcard route is the only name in what it is sent to', async (t) => {
    const begun = await target.browser().visit('http://One.tenants.localhost:9999/x?y')
    t.equal(
      begun.location,
      `http://one.tenants.localhost:8080/.gatehouse/sign_in?rd=${encodeURIComponent('http://one.tenants.localhost:8080/x?y')}`,
    )
    t.equal(APP, 'http://app.localhost:8080')
  })
})
