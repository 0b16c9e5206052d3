/** Several providers: chosen by name, by the domain of an e-mail, or by hand. */

import { test } from 'tap'
import { APP, AUTH, startEndpoints } from './start-endpoints.ts'

const START = `${APP}/.gatehouse/sign_in?rd=${encodeURIComponent(`${APP}/x`)}`
const untilApp = (url: URL) => url.origin === APP && !url.pathname.startsWith('/.gatehouse/')
const options = {
  providerNames: ['okta', 'partner', 'third'],
  emailDomains: {
    okta: ['example.com', 'Example.ORG'],
    partner: ['partner.example', 'both.example'],
    third: ['both.example'],
  },
}

const hints: Record<string, [hint: string, asked: readonly number[]]> = {
  'of the first': ['ana@example.com', [1, 0, 0]],
  'in capitals': ['Ana@EXAMPLE.org', [1, 0, 0]],
  'of the second': ['bo@partner.example', [0, 1, 0]],
  'of nobody': ['x@elsewhere.example', [0, 0, 0]],
  'with two @': ['x@elsewhere.example@example.com', [0, 0, 0]],
  'of a domain below': ['x@sub.example.com', [0, 0, 0]],
  'without domain': ['ana', [0, 0, 0]],
  'of two': ['x@both.example', [0, 0, 0]],
}
for (const [name, [hint, asked]] of Object.entries(hints)) {
  test(`an e-mail ${name} chooses its provider, or the page asks`, async (t) => {
    const { browser, idps } = await startEndpoints(t, options)
    const start = `${START}&login_hint=${encodeURIComponent(hint)}`
    const answer = await browser().follow(start, { until: untilApp })
    t.same(
      idps.map((idp) => idp.asked.length),
      asked,
    )
    if (asked.includes(1)) {
      t.equal(answer.location, `${APP}/x`)
      t.equal(idps[asked.indexOf(1)]?.asked[0]?.loginHint, hint)
    } else {
      t.match(answer.body, 'does not say which sign-in service is yours')
      t.equal(answer.body.includes('Continue with The okta'), name !== 'of two')
      t.match(answer.body, 'Continue with The third')
    }
  })
}

test('the page’s form leads on with all that the sign-in is for', async (t) => {
  const { browser, idps } = await startEndpoints(t, options)
  const client = browser()
  const page = await client.follow(`${START}&switch=true`)
  t.match(
    page.headers['content-security-policy'],
    /form-action 'self' https:\/\/auth\.example\.com http:\/\/127/,
  )
  const fields = [...page.body.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)]
  const form = new URLSearchParams(fields.map(([, name = '', value = '']) => [name, value]))
  t.same([...form.keys()], ['for', 'state', 'switch'])
  form.set('login_hint', 'ana@example.com')
  const { location } = await client.follow(`${AUTH}/.gatehouse/sign_in?${form}`, {
    until: untilApp,
  })
  t.equal(location, `${APP}/x`)
  t.match(idps[0]?.asked, [{ loginHint: 'ana@example.com', prompt: 'login' }])
})

test('without domains of any provider nobody is asked for an e-mail', async (t) => {
  const { browser } = await startEndpoints(t, { providerNames: ['okta', 'partner'] })
  const page = await browser().follow(START)
  t.match(page.body, 'Continue with The partner')
  t.notMatch(page.body, 'type="email"')
  t.match(page.headers['content-security-policy'], "form-action 'none'")
})

test('a name goes before an e-mail, and a route before both', async (t) => {
  const { browser, idps } = await startEndpoints(t, {
    ...options,
    policies: `
routes:
  - { name: app, from: "${APP}", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
  - { name: adm, from: "${APP}", prefix: /adm, provider: third, to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
`,
  })
  const byName = `${START}&login_hint=ana@example.com&provider=partner`
  await browser().follow(byName, { until: untilApp })
  const byRoute = `${APP}/.gatehouse/sign_in?rd=${APP}/adm&login_hint=ana@example.com`
  await browser().follow(byRoute, { until: untilApp })
  t.same(
    idps.map(({ asked }) => asked.length),
    [0, 1, 1],
  )
})

test('programs are told of the providers as JSON', async (t) => {
  const { browser } = await startEndpoints(t, options)
  const url = `${AUTH}/.gatehouse/sign_in?rd=%2F`
  const answer = await browser().send(url, { headers: { accept: 'application/json' } })
  t.match(answer.json(), {
    providers: [{ name: 'The okta', url: `${url}&provider=okta` }, {}, {}],
    local_url: null,
  })
})
