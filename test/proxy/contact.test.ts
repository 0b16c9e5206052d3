/** Whom a page about a route tells people to ask. */

import { test } from 'tap'
import { startGateway } from '../support/start-gateway.ts'

test("the route's contact stands on its pages in place of the brand's", async (t) => {
  const gateway = await startGateway(t, {
    config: { brand: { contact: 'it-help@example.com' } },
    policies: `
routes:
  - { name: own, from: "http://own.localhost:8080", to: "http://127.0.0.1:9", contact: "docks@example.com" }
  - { name: evil, from: "http://evil.localhost:8080", to: "http://127.0.0.1:9", contact: "<script>alert(1)</script>" }
  - { name: other, from: "http://other.localhost:8080", to: "http://127.0.0.1:9" }
`,
  })
  const page = async (host: string) => (await gateway.visit(`http://${host}.localhost:8080/`)).body
  t.match(await page('own'), 'href="mailto:docks@example.com"')
  t.notMatch(await page('own'), 'it-help@example.com')
  t.match(await page('other'), 'href="mailto:it-help@example.com"')
  t.notMatch(await page('evil'), '<script>')
  const { status, body } = await gateway.visit('http://own.localhost:8080/', { method: 'POST' })
  t.equal(status, 403)
  t.notMatch(body, 'docks@example.com', 'JSON stays as it is')
})
