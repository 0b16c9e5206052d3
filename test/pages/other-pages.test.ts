/** Chooser, sign-out question, landing page and the own page. */

import { test } from 'tap'
import { brandOf } from '../../src/pages/brand.ts'
import { renderPortal } from '../../src/pages/portal.ts'
import {
  renderChooser,
  renderNobody,
  renderSignedOut,
  renderSignOutQuestion,
} from '../../src/pages/sign-in-pages.ts'
import { listSites } from '../../src/pages/sites.ts'
import type { Person } from '../../src/policy/model.ts'

const server = { public_url: 'https://auth.example.com' }
const brand = brandOf({ config: { brand: {}, server }, logo: undefined })
const evil = '"\'><script>alert(1)</script>'
const visit = { requestId: 'r', head: false }

function person(overrides: Partial<Person> = {}): Person {
  return {
    kind: 'person',
    sub: '00u1',
    provider: 'okta',
    email: 'ana@example.com',
    groups: { list: [{ name: 'ops' }, { id: '00g1' }], spellings: new Set(), complete: false },
    claims: { name: 'Ana Arias' },
    acr: undefined,
    amr: [],
    authTime: undefined,
    steppedUpAt: undefined,
    ...overrides,
  }
}

function session(userAgent: string) {
  const signedInAt = Date.UTC(2026, 2, 2, 9)
  return {
    id: 'session-1',
    current: true,
    signedInAt,
    lastSeenAt: signedInAt + 60_000,
    expiresAt: signedInAt + 3_600_000,
    address: '192.0.2.1',
    userAgent,
  }
}

const portal = {
  ...visit,
  person: person(),
  listing: listSites(
    [{ name: 'grafana', url: 'https://grafana.example.com/', description: 'Dashboards' }],
    undefined,
    undefined,
  ),
  ownUrl: '/.gatehouse/',
  userUrl: '/.gatehouse/user',
  sessions: [session('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0')],
  switchUrl: '/.gatehouse/sign_in?switch=true',
  signOutUrl: '/.gatehouse/sign_out',
  leadsTo: ['https:'],
}

test('the chooser has a link for each provider', async (t) => {
  const { body } = renderChooser(
    {
      ...visit,
      site: 'grafana.example.com',
      byEmail: undefined,
      choices: [
        { name: 'Okta', url: '/.gatehouse/sign_in?rd=%2F&provider=okta' },
        { name: evil, url: 'javascript:alert(1)' },
      ],
    },
    brand,
  )
  t.match(body, 'href="/.gatehouse/sign_in?rd=%2F&amp;provider=okta"')
  t.match(body, 'Continue with Okta')
  t.notMatch(body, /<script|javascript:/)
})

test('the chooser asks for an e-mail where that can choose, and says when it did not', async (t) => {
  const byEmail = {
    action: '/.gatehouse/sign_in',
    fields: [['rd', `/x?"${evil}`]] as const,
    given: undefined,
    leadsTo: ['https:'],
  }
  const view = { ...visit, site: undefined, choices: [] }
  const { body, headers } = renderChooser({ ...view, byEmail }, brand)
  t.match(headers['content-security-policy'], "form-action 'self' https:;")
  t.match(body, 'type="email"')
  t.notMatch(body, /<script|does not say which/)
  const again = renderChooser({ ...view, byEmail: { ...byEmail, given: 'x' } }, brand)
  t.match(again.body, 'does not say which')
})

test('the sign-out question can send a form, and only where it is said to lead', async (t) => {
  const { headers, body } = renderSignOutQuestion(
    {
      ...visit,
      person: person({ claims: { name: evil } }),
      action: '/.gatehouse/sign_out',
      returnTo: `https://a.example.com/?x=${evil}`,
      stayUrl: '/',
      provider: 'Okta',
      leadsTo: ['https://acme.okta.com'],
    },
    brand,
  )
  t.match(headers['content-security-policy'], "form-action 'self' https://acme.okta.com;")
  t.equal(headers['referrer-policy'], 'same-origin')
  t.match(body, '<form method="post" action="/.gatehouse/sign_out">')
  t.match(body, 'Okta')
  t.notMatch(body, /<script/)
})

test('the landing pages link to a sign-in and start nothing', async (t) => {
  for (const render of [renderSignedOut, renderNobody]) {
    const { status, headers, body } = render({ ...visit, signInUrl: '/.gatehouse/sign_in' }, brand)
    t.equal(status, 200)
    t.match(body, 'href="/.gatehouse/sign_in"')
    t.notMatch(body, /http-equiv|<script/)
    t.equal(headers.refresh, undefined)
  }
})

test('the own page shows person, apps, groups and sessions', async (t) => {
  const { body, headers } = renderPortal(portal, brand)
  t.match(headers['content-security-policy'], "form-action 'self' https:;")
  for (const text of [
    'Ana Arias',
    'ana@example.com',
    'href="https://grafana.example.com/"',
    'Dashboards',
    '<li>00g1</li>',
    '<li>ops</li>',
    'could not tell all of your groups',
    'Firefox, Linux',
    'this one',
    'datetime="2026-03-02T09:00:00.000Z"',
    '2 Mar 2026, 09:00 UTC',
    'href="/.gatehouse/sign_out"',
    '<form method="post" action="/.gatehouse/sign_out"><input type="hidden" name="session" value="session-1">',
    'aria-label="Sign out: Firefox, Linux, 192.0.2.1"',
    '<input type="hidden" name="everywhere" value="true">',
    'Sign out everywhere',
  ]) {
    t.ok(body.includes(text), text)
  }
})

test('markup in any field of the own page is text', async (t) => {
  const { body } = renderPortal(
    {
      ...portal,
      requestId: evil,
      person: person({
        claims: { name: evil },
        email: evil,
        provider: evil,
        groups: { list: [{ name: evil }, { id: evil }], spellings: new Set(), complete: true },
      }),
      listing: listSites(
        [{ name: evil, url: 'javascript:alert(1)', description: evil }],
        evil,
        evil,
      ),
      sessions: [{ ...session(evil), address: evil }],
    },
    brand,
  )
  t.notMatch(body, /<script|javascript:/)
})

test('of many groups the first are shown, none at all is said', async (t) => {
  const list = Array.from({ length: 1_000 }, (_, n) => ({ name: `group-${n}` }))
  const many = person({ groups: { list, spellings: new Set(), complete: true } })
  t.match(renderPortal({ ...portal, person: many }, brand).body, '940 more')
  const none = person({ groups: { list: [], spellings: new Set(), complete: true } })
  const { body } = renderPortal(
    { ...portal, person: none, listing: listSites([], undefined, undefined) },
    brand,
  )
  t.match(body, 'in no group')
  t.match(body, 'no site that you may open')
})

const thousand = Array.from({ length: 1_000 }, (_, n) => ({
  name: `tool-${n}`,
  url: `https://tool-${n}.example.com/`,
  description: n % 100 === 7 ? `Ledger of Ḥall ${n} ${'x'.repeat(500)}` : undefined,
  logoUrl: `https://cdn-${n}.example.net/logo.png`,
}))

test('of a thousand sites a page shows some, and the search finds the rest', async (t) => {
  const listing = (query?: string, page?: string) => listSites(thousand, query, page)
  const names = (query?: string, page?: string) => listing(query, page).sites.map((s) => s.name)
  t.same(names().slice(0, 3), ['tool-0', 'tool-1', 'tool-2'], 'sorted as people count')
  t.same(names(undefined, '42'), names(undefined, '99999'), 'beyond the last page is the last')
  for (const page of ['0', '-1', 'x', '1e3', '2 ', ''])
    t.same(names(undefined, page), names(), page)
  t.same(names('ḥall LEDGER 70'), ['tool-707'])
  t.same(names('ledger')[9], 'tool-907')
  t.same(names('nothing of this'), [])
  const { body } = renderPortal({ ...portal, listing: listing(' a"b ') }, brand)
  t.match(body, 'value="a&quot;b"')
  t.match(body, 'None of your sites has all these words.')
  t.match(body, '0 of 1000 sites')
})

test('a page of the search leads to the next with the words', async (t) => {
  const { body } = renderPortal({ ...portal, listing: listSites(thousand, 'tool', '2') }, brand)
  t.match(body, 'href="/.gatehouse/?q=tool&amp;page=1"')
  t.match(body, 'href="/.gatehouse/?q=tool&amp;page=3"')
  t.match(body, 'Page 2 of 42')
})

test('the own page of somebody with much of everything stays below 30 KB', async (t) => {
  const list = Array.from({ length: 1_000 }, (_, n) => ({ name: `a-group-of-some-length-${n}` }))
  const { body, headers } = renderPortal(
    {
      ...portal,
      person: person({ groups: { list, spellings: new Set(), complete: true } }),
      listing: listSites(
        thousand.map((site) => ({ ...site, description: 'd'.repeat(400) })),
        undefined,
        undefined,
      ),
      sessions: Array.from({ length: 20 }, () => session('x'.repeat(500))),
    },
    brand,
  )
  t.ok(Buffer.byteLength(body) < 30_000, `${Buffer.byteLength(body)} bytes`)
  const policy = String(headers['content-security-policy'])
  t.ok(policy.length < 1_500, `a policy of ${policy.length} bytes fits into the headers of proxies`)
  t.match(body, '10 older sessions are not shown')
})

test('the script comes with many sites alone, and may ask this host alone', async (t) => {
  t.notMatch(renderPortal(portal, brand).body, '<script')
  const { body, headers } = renderPortal(
    { ...portal, listing: listSites(thousand, undefined, undefined) },
    brand,
  )
  t.match(body, '<script src="/.gatehouse/portal.js" defer></script>')
  t.match(headers['content-security-policy'], "script-src 'self'; connect-src 'self'; form-action")
  t.match(headers['referrer-policy'], /^(no-referrer|same-origin)$/)
})

const browsers = {
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0':
    'Edge, Windows',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15':
    'Safari, macOS',
  'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36':
    'Chrome, Android',
  'curl/8.5.0': 'curl/8.5.0',
  '': 'unknown browser',
}
for (const [userAgent, name] of Object.entries(browsers)) {
  test(`\`${userAgent.slice(-20)}\` is shown as ${name}`, async (t) => {
    t.match(
      renderPortal({ ...portal, sessions: [session(userAgent)] }, brand).body,
      `<b>${name}</b>`,
    )
  })
}
