/** Strict-Transport-Security: on https where the upstream sends none, also with answers of ours. */

import { type Test, test } from 'tap'
import { type RequestOptions, startGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'

const YEAR = `max-age=${365 * 86_400}`

async function start(t: Test, server: Readonly<Record<string, unknown>> = {}) {
  const upstream = await startUpstream(t, {
    handler: (request, response) => {
      if (request.url === '/own') response.setHeader('strict-transport-security', 'max-age=1')
      response.end('ok')
    },
  })
  const route = (name: string, more: string) =>
    `  - { name: ${name}, from: "https://${name}.example.com", allow_public_unauthenticated_access: true, ${more} }\n`
  const to = `to: "${upstream.origin}"`
  const gateway = await startGateway(t, {
    config: { server: { public_url: 'https://auth.example.com', ...server } },
    policies: `routes:\n${[
      route('open', to),
      route('short', `${to}, hsts: 1h`),
      route('off', `${to}, hsts: 0s`),
      route('set', `${to}, set_response_headers: { Strict-Transport-Security: max-age=7 }`),
      route('fixed', 'response: { status: 200, body: hello }'),
    ].join('')}
  - { name: plain, from: "http://plain.localhost", ${to}, allow_public_unauthenticated_access: true }
  - { name: closed, from: "https://closed.example.com", ${to}, allow_any_authenticated_user: true }
  - { name: low, from: "https://low.example.com", prefix: /x, ${to}, hsts: 2h, allow_any_authenticated_user: true }
`,
  })
  return async (url: string, options?: RequestOptions) =>
    (await gateway.get(url, options)).headers['strict-transport-security']
}

test('browsers are told to stay on https', async (t) => {
  const hsts = await start(t)
  const page = { headers: { accept: 'text/html' } }
  t.equal(await hsts('https://open.example.com/'), YEAR)
  t.equal(await hsts('https://open.example.com/own'), 'max-age=1', 'the upstream knows better')
  t.equal(await hsts('https://short.example.com/'), 'max-age=3600')
  t.equal(await hsts('https://off.example.com/'), undefined)
  t.equal(await hsts('https://set.example.com/'), 'max-age=7')
  t.equal(await hsts('https://fixed.example.com/'), YEAR)
  t.equal(await hsts('http://plain.localhost/'), undefined)

  t.equal(await hsts('https://closed.example.com/', page), YEAR, 'a redirect to the sign-in')
  t.equal(await hsts('https://closed.example.com/'), YEAR, 'a refusal')
  t.equal(await hsts('https://closed.example.com/a%2fb'), undefined, 'before anything is known')
  t.equal(await hsts('https://low.example.com/x'), 'max-age=7200')
  t.equal(await hsts('https://low.example.com/y'), 'max-age=7200', 'no route')
  t.equal(await hsts('https://auth.example.com/.gatehouse/user'), YEAR, 'our own endpoints')
  t.equal(await hsts('https://low.example.com/.gatehouse/user'), 'max-age=7200')
  t.equal(await hsts('https://off.example.com/.gatehouse/user'), undefined)
  t.equal(await hsts('http://plain.localhost/.gatehouse/user'), undefined)
  t.equal(await hsts('https://nobody.example.com/'), undefined)
})

test('`hsts: 0s` is off, but for routes that have their own', async (t) => {
  const hsts = await start(t, { hsts: '0s' })
  t.equal(await hsts('https://open.example.com/'), undefined)
  t.equal(await hsts('https://auth.example.com/.gatehouse/user'), undefined)
  t.equal(await hsts('https://short.example.com/'), 'max-age=3600')
})
