/** Class C over sockets: whatever the bytes, the upstream gets the path that was judged and logged, or nothing. */

import { test } from 'tap'
import { rawRequest } from '../support/raw-request.ts'
import { CLOSED_PATHS } from './closed-paths.ts'
import { APP, cookieLine, HOST, startTarget } from './start-target.ts'

const upgrade =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

test('C: paths over sockets', async (t) => {
  const target = await startTarget(t)
  const { ask, upstream, port } = target

  for (const path of CLOSED_PATHS) {
    await t.test(`nobody gets past ${JSON.stringify(path)}`, async (t) => {
      upstream.forget()
      for (const method of ['GET', 'HEAD', 'POST']) {
        const { status } = await ask([`${method} ${path} HTTP/1.1`, `Host: ${HOST}`], '', {
          until: 'close',
        })
        t.ok([400, 401, 404, 421].includes(status), `${method}: ${status}`)
      }
      const upgraded = await rawRequest(
        port,
        `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${upgrade}\r\n`,
        { until: 'close' },
      )
      t.ok([400, 401, 403, 404, 421].includes(upgraded.status), `upgrade: ${upgraded.status}`)
      t.same(upstream.requests, [])
    })
  }

  await t.test('what was judged is what is sent and what is logged', async (t) => {
    const meant: Record<string, string> = {
      '/public/a': '/public/a',
      '//public///a//': '/public/a/',
      '/public/%61%2D%7e': '/public/a-~',
      '/public/%c3%a9': '/public/%C3%A9',
      '/public/%23/x': '/public/%23/x',
      '/public/%3Fx': '/public/%3Fx',
      '/public/%252e%252e/admin': '/public/%252e%252e/admin',
      '/public/%252f..': '/public/%252f..',
      '/public/...': '/public/...',
      '/public/..a': '/public/..a',
      '/public/a;b=1': '/public/a;b=1',
      '/public/%ef%bc%8f': '/public/%EF%BC%8F',
      '/public/\'{}|^`"<>[]': '/public/\'{}|^`"<>[]',
      [`http://${HOST}/public/a`]: '/public/a',
    }
    for (const [path, sent] of Object.entries(meant)) {
      await ask([`REPORT ${path}?q=%2f..%61'"<>{}|^\`\\ HTTP/1.1`, `Host: ${HOST}`])
      t.equal(upstream.last.target, `${sent}?q=%2f..%61'"<>{}|^\`\\`)
    }
    const logged = await target.logged('REPORT', Object.keys(meant).length)
    t.same(
      logged.map((line) => line['path']),
      Object.values(meant),
    )
    t.notMatch(JSON.stringify(logged), '%61', 'and no query is')
  })

  await t.test('an upgrade is sent in the same bytes', async (t) => {
    const path = '/public/\'{}|^`"<>?q=\'%61{}|^`"<>'
    const request = `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${upgrade}\r\n`
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
  const { ask, upstream, port } = target

  for (const host of [
    'APP.localhost',
    'app.localhost.',
    'app.localhost:8080',
    'App.LocalHost.:1',
  ]) {
    await t.test(`${host} is judged as app.localhost`, async (t) => {
      t.equal((await ask(['GET /admin HTTP/1.1', `Host: ${host}`])).status, 401)
      await ask(['GET /public/x HTTP/1.1', `Host: ${host}`])
      t.match(upstream.last.header('x-forwarded-host'), [/^app\.localhost(:\d+)?$/])
    })
  }

  const hosts: Record<string, number> = {
    'evil@app.localhost': 400,
    'app.localhost@evil.example': 400,
    'app.localhost evil.example': 400,
    app_localhost: 400,
    'evil.example/app.localhost': 400,
    'app.localhost/': 400,
    'app.localhost#': 400,
    'app.localhost?': 400,
    'app.localhost:80:80': 400,
    'app.localhost:x': 400,
    'app.localhost:99999': 400,
    'app.localhost,evil.example': 400,
    'app%2elocalhost': 400,
    '.app.localhost': 400,
    'app..localhost': 400,
    'app.localhost..': 400,
    '*.tenants.localhost': 400,
    'a.b.tenants.localhost': 421,
    'tenants.localhost': 421,
    'evil.example': 421,
    'xapp.localhost': 421,
    'app.localhost.evil.example': 421,
    '127.0.0.1': 421,
    '[::1]': 421,
    '2130706433': 421,
    __proto__: 400,
    constructor: 421,
    'tostring.tenants.localhost': 401,
    '': 400,
  }
  for (const [host, expected] of Object.entries(hosts)) {
    await t.test(
      `Host: ${JSON.stringify(host)} is ${expected}, on our own paths too`,
      async (t) => {
        upstream.forget()
        const { status } = await ask(['GET /x HTTP/1.1', `Host: ${host}`])
        t.equal(status, expected)
        const own = await ask(['GET /.gatehouse/user HTTP/1.1', `Host: ${host}`])
        t.equal(own.status, expected)
        t.same(upstream.requests, [])
      },
    )
  }

  const heads: Record<string, readonly string[]> = {
    'two Host headers': ['GET /public/x HTTP/1.1', `Host: ${HOST}`, `Host: ${HOST}`],
    'two different ones': ['GET /public/x HTTP/1.1', `Host: ${HOST}`, 'host: evil.example'],
    none: ['GET /public/x HTTP/1.1', 'Accept: */*'],
    'none in HTTP/1.0': ['GET /public/x HTTP/1.0'],
    'one on a second line': ['GET /public/x HTTP/1.1', `Host: ${HOST}`, ' evil.example'],
    'another than the target': ['GET http://evil.example/public/x HTTP/1.1', `Host: ${HOST}`],
    'none beside an absolute target': [`GET http://${HOST}/public/x HTTP/1.1`],
  }
  for (const [name, lines] of Object.entries(heads)) {
    await t.test(`a request with ${name} is refused`, async (t) => {
      upstream.forget()
      t.equal((await ask(lines)).status, 400)
      t.same(upstream.requests, [])
    })
  }

  for (const method of [
    'get',
    'Get',
    'FOO',
    'TRACE',
    'TRACK',
    'DEBUG',
    'PRI',
    'GET,POST',
    'G\u00cbT',
    '',
  ]) {
    await t.test(`the method ${JSON.stringify(method)} is refused`, async (t) => {
      upstream.forget()
      const { status } = await ask([`${method} /public/x HTTP/1.1`, `Host: ${HOST}`])
      t.equal(status, 400)
      t.same(upstream.requests, [])
    })
  }

  for (const authority of [HOST, `${HOST}:80`, 'evil.example:443', '127.0.0.1:9', '/public/x']) {
    await t.test(`CONNECT ${authority} opens no tunnel`, async (t) => {
      upstream.forget()
      const bytes = `CONNECT ${authority} HTTP/1.1\r\nHost: ${HOST}\r\n\r\nGET /public/x HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
      const answer = await rawRequest(port, bytes, { until: 'close' })
      t.equal(answer.status, 400)
      t.equal(answer.answers, 1)
      t.same(upstream.requests, [])
    })
  }

  await t.test('the host of a wildcard route is the only name in what it is sent to', async (t) => {
    const begun = await target.browser().visit('http://One.tenants.localhost:9999/x?y')
    t.equal(
      begun.location,
      `http://one.tenants.localhost:8080/.gatehouse/sign_in?rd=${encodeURIComponent('http://one.tenants.localhost:8080/x?y')}`,
    )
    t.equal(APP, 'http://app.localhost:8080')
  })
})
