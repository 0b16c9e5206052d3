import { test } from 'tap'
import { startNginx } from './start-nginx.ts'

test('nginx answers, serves files and writes its access log', async (t) => {
  const nginx = await startNginx(t, {
    server: 'location = /hello { return 200 "hi $http_x_name"; }',
    files: { 'index.html': '<p>index</p>' },
  })
  const hello = await fetch(`${nginx.origin}/hello`, { headers: { 'x-name': 'ana' } })
  t.equal(await hello.text(), 'hi ana')
  const index = await fetch(`${nginx.origin}/`)
  t.equal(await index.text(), '<p>index</p>')
  t.match(nginx.accessLog().join('\n'), /"GET \/hello HTTP\/1\.1" 200/)
})

test('two nginx run side by side, and one that was closed is gone', async (t) => {
  const [one, two] = await Promise.all([startNginx(t), startNginx(t)])
  t.not(one.port, two.port)
  await one.close()
  await t.rejects(fetch(one.origin))
  t.equal((await fetch(two.origin)).status, 200)
})

test('a bad configuration fails with what nginx says of it', async (t) => {
  await t.rejects(startNginx(t, { server: 'no_such_directive on;' }), {
    message: /unknown directive "no_such_directive"/,
  })
})
