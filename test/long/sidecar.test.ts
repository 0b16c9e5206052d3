/**
 * Gatehouse beside an app as docs/kubernetes.md has it, in a network namespace as a pod has one: from outside the app's own
 * port cannot be reached around it.
 */

import { join } from 'node:path'
import { test } from 'tap'
import { createNamespaces, whyNoNamespaces } from '../support/network-namespaces.ts'
import { tempFolder } from '../support/temp-folder.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const HOST = 'reports.example.com'
const PORT = 8080
const ON_LOOPBACK = 3000
const ON_ALL = 3001

/** An app that listens where it is told. */
const APP = `
const [host, port] = process.argv.slice(1)
require('node:http').createServer((_, answer) => answer.end('reports')).listen(port, host, () => console.log('listens'))
`

const FILES = {
  'gatehouse.yaml': JSON.stringify({
    server: {
      listen: `0.0.0.0:${PORT}`,
      admin_listen: '0.0.0.0:9901',
      public_url: `https://${HOST}`,
      drain_delay: '5s',
    },
    providers: { okta: { issuer: 'https://acme.okta.com', client_id: '0oa1example' } },
    session: { secret: Buffer.alloc(32, 7).toString('base64'), store: 'sqlite:sessions.db' },
    policies: ['policies/'],
  }),
  'policies/gatehouse-sidecar.yaml': JSON.stringify({
    routes: [
      {
        name: 'reports',
        from: `https://${HOST}`,
        to: `http://127.0.0.1:${ON_LOOPBACK}`,
        policy: [
          { allow: { or: [{ groups: 'data-science' }, { http_path: { is: '/healthz' } }] } },
        ],
      },
    ],
  }),
}

test('beside an app nobody gets past Gatehouse', {
  timeout: 120_000,
  skip: whyNoNamespaces() ?? false,
}, async (t) => {
  const { startInPod, letInOnly, askFromInside, askFromOutside } = createNamespaces(t)
  const app = (host: string, port: number) =>
    startInPod([process.execPath, '-e', APP, host, String(port)], 'listens')
  await app('127.0.0.1', ON_LOOPBACK)
  await app('0.0.0.0', ON_ALL)
  const folder = tempFolder(t, FILES)
  await startInPod([process.execPath, MAIN, 'serve'], '"msg":"ready"', folder)

  t.equal(askFromInside(ON_LOOPBACK, '/'), '200', 'the app is there')
  t.equal(askFromOutside(PORT, '/healthz', HOST), '200', 'and reached through Gatehouse')
  t.equal(askFromOutside(PORT, '/', HOST), '302', 'which asks for a sign-in')
  t.equal(askFromOutside(ON_LOOPBACK, '/', HOST), 'refused', 'an app on loopback is out of reach')

  t.equal(askFromOutside(ON_ALL, '/', HOST), '200', 'an app on all addresses is not')
  letInOnly(PORT)
  t.equal(askFromOutside(ON_ALL, '/', HOST), 'no answer', 'but for the network policy')
  t.equal(askFromOutside(9901, '/metrics', HOST), 'no answer', 'nor is the admin port')
  t.equal(askFromOutside(PORT, '/healthz', HOST), '200', 'Gatehouse still is')
  t.equal(askFromInside(ON_ALL, '/'), '200', 'and what is in the pod reaches the app')
})
