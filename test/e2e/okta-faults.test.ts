/** Every fault of the Okta stand-in, and what somebody who signs in meanwhile is told. */

import { type Test, test } from 'tap'
import type { Faults } from '../../src/demo/okta/faults.ts'
import { type BrowserAnswer, createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startOkta } from '../support/start-okta.ts'
import { until } from '../support/start-redis.ts'
import { startUpstream } from '../support/start-upstream.ts'

const OPEN = 'http://open.localhost:8080/'
const ENGINEERS = 'http://app.localhost:8080/'
const HOUR_S = 3_600

/** All that Okta has is asked: pushed requests, UserInfo because its ID tokens are thin, and the directory. */
async function start(t: Test, arm?: (faults: Faults) => void) {
  const upstream = await startUpstream(t)
  const okta = await startOkta(t, { app: { idToken: 'thin' } })
  arm?.(okta.faults)
  const gateway = await startGateway(t, {
    policies: `
routes:
  - { name: open, from: ${OPEN.slice(0, -1)}, to: ${upstream.origin}, allow_any_authenticated_user: true }
  - { name: engineers, from: ${ENGINEERS.slice(0, -1)}, to: ${upstream.origin}, allowed_groups: [platform-engineers] }
`,
    config: {
      providers: {
        okta: {
          ...{ issuer: okta.issuer, client_id: okta.app.clientId },
          ...{ client_secret: okta.app.clientSecret, scopes: ['openid', 'profile', 'email'] },
          pushed_authorization_requests: true,
          directory: { kind: 'okta', url: okta.org, api_token: okta.apiToken },
        },
      },
    },
  })
  return { okta, gateway }
}

type Gateway = Awaited<ReturnType<typeof start>>['gateway']

/** A new browser, as far as it comes: with a fault the gateway may not even get it to the provider. */
async function attempt({ port }: Gateway, url: string): Promise<BrowserAnswer> {
  const browser = createBrowserClient(port)
  const picker = await browser.follow(url)
  const isPicker = picker.status === 200 && picker.body.includes('name="person"')
  if (!isPicker) return picker
  const { location } = await browser.post(picker.url, { person: 'ana' })
  return location === undefined ? picker : browser.follow(location)
}

const html = { kind: 'html' } as const
const cut = { kind: 'cut' } as const
const status = (code: number, body = '') => ({ kind: 'status', status: code, body }) as const
const nothing = { kind: 'body', body: '{}' } as const
const limited = { kind: 'rate-limited' } as const
const late = { kind: 'late', ms: 200 } as const
const delayed = { kind: 'delay', ms: 200 } as const

/** What is wrong, the address that is asked for, and the status that it ends with. */
const rows: Record<string, [(faults: Faults) => void, number, string?]> = {
  'nothing is wrong': [() => undefined, 200],
  'par: 500': [(f) => f.fail('par', status(500)), 503],
  'par: too many requests': [(f) => f.fail('par', limited), 503],
  'par: a web page': [(f) => f.fail('par', html), 502],
  'par: cut': [(f) => f.fail('par', cut), 503],
  'token: 500': [(f) => f.fail('token', status(500)), 503],
  'token: too many requests': [(f) => f.fail('token', limited), 503],
  'token: a web page': [(f) => f.fail('token', html), 502],
  'token: an empty object': [(f) => f.fail('token', nothing), 502],
  'token: cut': [(f) => f.fail('token', cut), 503],
  'token: our own credentials are refused': [
    (f) => f.fail('token', status(401, '{"error":"invalid_client"}')),
    500,
  ],
  'token: late': [(f) => f.fail('token', late), 200],
  'token: delayed': [(f) => f.fail('token', delayed), 200],
  'userinfo: 500': [(f) => f.fail('userinfo', status(500)), 503],
  'userinfo: too many requests': [(f) => f.fail('userinfo', limited), 503],
  'userinfo: a web page': [(f) => f.fail('userinfo', html), 502],
  'userinfo: cut': [(f) => f.fail('userinfo', cut), 503],
  'userinfo: of somebody else': [(f) => Object.assign(f, { userInfoSub: '00uSomebodyElse' }), 502],
  'id token: of another issuer': [idToken('claims', { iss: 'https://evil.example' }), 502],
  'id token: for another client': [idToken('claims', { aud: 'another' }), 502],
  'id token: of another sign-in': [idToken('claims', { nonce: 'another' }), 502],
  'id token: that has run out': [idToken('claims', { exp: 1_000 }), 502],
  'id token: wrongly signed': [idToken('signature'), 502],
  'id token: by a key nobody published': [idToken('unknown-kid'), 502],
  'id token: that names no key, where there is one': [idToken('no-kid'), 200],
  'id token: not signed': [idToken('alg-none'), 502],
  'id token: signed with the public key as secret': [idToken('hs256'), 502],
  'id token: missing': [idToken('missing'), 502],
  'its clock is 20 s ahead': [(f) => Object.assign(f, { clockSkewSeconds: 20 }), 200],
  'its clock is two hours behind': [
    (f) => Object.assign(f, { clockSkewSeconds: -2 * HOUR_S }),
    502,
  ],
  'codes have always run out': [(f) => Object.assign(f, { codesExpired: true }), 400],
  'api: 500': [(f) => f.fail('api', status(500)), 503, ENGINEERS],
  'api: 401': [(f) => f.fail('api', status(401, '{"errorCode":"E0000011"}')), 503, ENGINEERS],
  'api: a web page': [(f) => f.fail('api', html), 503, ENGINEERS],
  'api: an empty object': [(f) => f.fail('api', nothing), 503, ENGINEERS],
  'api: cut': [(f) => f.fail('api', cut), 503, ENGINEERS],
  'api: down, where no group is asked for': [(f) => f.fail('api', status(500)), 200],
}

function idToken(kind: string, claims?: Readonly<Record<string, unknown>>) {
  return (faults: Faults) => Object.assign(faults, { idToken: { kind, claims } })
}

test('each fault of Okta has its answer, and lets nobody in', async (t) => {
  const { okta, gateway } = await start(t)
  for (const [name, [arm, expected, url = OPEN]] of Object.entries(rows)) {
    okta.faults.clear()
    arm(okta.faults)
    const answer = await attempt(gateway, url)
    t.equal(answer.status, expected, name)
    const isApp = answer.headers['x-upstream'] !== undefined
    if (expected !== 200) t.notOk(isApp, `${name}: not the app's answer`)
  }
  okta.faults.clear()
  // The directory is left in peace for a moment after an outage.
  await until(async () => (await attempt(gateway, ENGINEERS)).status === 200)
})

test('an endpoint that does not answer, or not to the end, is not waited for without end', async (t) => {
  const { okta, gateway } = await start(t)
  let asked = 0
  const { take } = okta.faults
  okta.faults.take = (endpoint) => {
    if (endpoint === 'token') asked++
    return take(endpoint)
  }
  okta.faults.fail('token', { kind: 'hang' }, 1)
  const hanging = attempt(gateway, OPEN)
  await until(async () => asked === 1)
  okta.faults.fail('userinfo', { kind: 'slow-body' }, 1)
  const slow = attempt(gateway, OPEN)
  t.equal((await hanging).status, 503)
  t.equal((await slow).status, 503)
  t.equal((await attempt(gateway, OPEN)).status, 200)
})

const atTheStart: Record<string, [(faults: Faults) => void, number]> = {
  'discovery: 500': [(f) => f.fail('discovery', status(500)), 503],
  'discovery: a web page': [(f) => f.fail('discovery', html), 502],
  'metadata of another issuer': [
    (f) => Object.assign(f, { metadata: { issuer: 'https://evil.example' } }),
    502,
  ],
  'keys: 500': [(f) => f.fail('keys', status(500)), 503],
  'keys: a web page': [(f) => f.fail('keys', html), 502],
}
for (const [name, [arm, expected]] of Object.entries(atTheStart)) {
  test(`${name}: nobody signs in until it is mended, and then everybody does`, async (t) => {
    const { okta, gateway } = await start(t, arm)
    t.equal((await attempt(gateway, OPEN)).status, expected)
    okta.faults.clear()
    await until(async () => (await attempt(gateway, OPEN)).status === 200)
  })
}

test('whoever signs out while Okta cannot is signed out here', async (t) => {
  const { okta, gateway } = await start(t)
  const browser = createBrowserClient(gateway.port)
  t.equal((await signIn(browser, OPEN, 'ana')).status, 200)
  okta.faults.fail('logout', status(500))
  const answer = await browser.post(
    `${OPEN}.gatehouse/sign_out`,
    {},
    {
      headers: { origin: OPEN.slice(0, -1), 'sec-fetch-site': 'same-origin' },
    },
  )
  t.equal(answer.status, 303)
  t.equal((await browser.send(OPEN)).status, 401)
})
