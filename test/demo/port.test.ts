import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'tap'
import { claimPort, forwardIpv6Loopback } from '../../src/demo/port.ts'
import { startUpstream } from '../support/start-upstream.ts'

test('a free port is found, and a named one that is free is taken as it is', async (t) => {
  const port = await claimPort(0)
  t.ok(port > 0)
  t.equal(await claimPort(port), port)
})

test('a port in use is one sentence with what to do', async (t) => {
  const { port } = await startUpstream(t)
  await t.rejects(claimPort(port), {
    name: 'PortTakenError',
    message: `port ${port} is taken: end the program that uses it or choose another with npm start -- --port ${port + 10}`,
  })
})

test('a port in use on ::1 only is in use: browsers would meet that other program', async (t) => {
  if (!(await hasIpv6())) return void t.comment('this machine has no IPv6')
  const port = await claimPort(0)
  const other = createServer().listen(port, '::1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  await t.rejects(claimPort(port), { name: 'PortTakenError' })
})

test('what comes to ::1 is answered by whom listens on 127.0.0.1, until it is closed', async (t) => {
  const upstream = await startUpstream(t)
  const forwarding = await forwardIpv6Loopback(upstream.port)
  const url = `http://[::1]:${upstream.port}/path`
  if (await hasIpv6()) {
    t.equal((await fetch(url)).status, 200)
    t.equal(upstream.last.url, '/path')
  }
  await forwarding.close()
  await t.rejects(fetch(url))
})

async function hasIpv6(): Promise<boolean> {
  const server = createServer().listen(0, '::1')
  const isThere = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.close()
  return isThere
}
