/** No return URL leads away from the hosts that are served, however it is written. */

import fc from 'fast-check'
import { test } from 'tap'
import { returnUrl } from '../../src/endpoints/return-url.ts'
import { hostileTargets } from './redirect-targets.ts'
import { APP, AUTH, startEndpoints } from './start-endpoints.ts'

const SERVED = new Set([
  APP,
  AUTH,
  'https://a.tenants.example.com',
  'https://wiki.example.com:8443',
])
const isServed = (origin: string) => SERVED.has(origin)
/** Where a browser goes from an endpoint of ours. */
const asRead = (location: string, base = APP) =>
  new URL(location, `${base}/.gatehouse/sign_in?rd=x`)

const kept: Readonly<Record<string, string>> = {
  '/': '/',
  '/a/b?c=d#e': '/a/b?c=d#e',
  '/a//b': '/a//b',
  '/a%2Fb': '/a%2Fb',
  '/?next=//evil.example': '/?next=//evil.example',
  '/a?x=%0a%0d': '/a?x=%0a%0d',
  '/a/../b': '/b',
  '/名前': '/%E5%90%8D%E5%89%8D',
  [`${APP}`]: `${APP}/`,
  [`${APP}:443/x`]: `${APP}/x`,
  'HTTPS://APP.example.com/X': `${APP}/X`,
  [`${APP}/x?y=https://evil.example#z`]: `${APP}/x?y=https://evil.example#z`,
  'https://wiki.example.com:8443/p': 'https://wiki.example.com:8443/p',
  'https://a.tenants.example.com/?q=%20': 'https://a.tenants.example.com/?q=%20',
  [`${AUTH}/.gatehouse/`]: `${AUTH}/.gatehouse/`,
}
for (const [text, expected] of Object.entries(kept)) {
  test(`\`${text}\` is a place to come back to`, async (t) => {
    t.equal(returnUrl(text, isServed), expected)
  })
}

// Cases E1 to E5.
const refused = {
  'two slashes': '//evil',
  'slash and backslash': '/\\evil',
  'backslash and slash': '\\/evil',
  'an encoded backslash': '/%5cevil',
  'an encoded slash': '/%2f/evil',
  'a tab between slashes': '/\t/evil',
  'a line feed between slashes': '/\n/evil',
  'a carriage return between slashes': '/\r/evil',
  'a vertical tab between slashes': '/\v/evil',
  'an encoded tab between slashes': '/%09/evil',
  'an encoded line feed between slashes': '/%0a/evil',
  'an encoded carriage return between slashes': '/%0d/evil',
  'an encoded vertical tab between slashes': '/%0b/evil',
  'dots that leave two slashes': '/.//evil',
  'encoded dots that leave two slashes': '/%2e%2e//evil',
  'a longer name': 'https://app.example.com.evil',
  'a name without its dot': 'https://evilexample.com',
  userinfo: 'https://app.example.com@evil',
  'a fragment': 'https://evil#app.example.com',
  'another port': 'https://app.example.com:444/',
  'another scheme': 'http://app.example.com/',
  'a scheme that runs': 'javascript:alert(1)//app.example.com',
  'eight thousand characters': `/${'x'.repeat(8_192)}`,
  'a hundred thousand characters': `https://app.example.com/${'x'.repeat(100_000)}`,
  'a relative path': 'x',
  nothing: '',
}
for (const [what, text] of Object.entries(refused)) {
  test(`${what} leads to the front page`, async (t) => {
    t.equal(returnUrl(text, isServed), '/')
  })
}

test('what is not there leads to the front page, or to another fallback', async (t) => {
  t.equal(returnUrl(undefined, isServed), '/')
  t.equal(returnUrl('//evil', isServed, '/.gatehouse/'), '/.gatehouse/')
})

test('no hostile target leaves the hosts that are served', async (t) => {
  const targets = hostileTargets()
  t.ok(targets.length > 1_000, `${targets.length}`)
  const escaped = targets.filter((target) => {
    const url = asRead(returnUrl(target, isServed))
    return !SERVED.has(url.origin) || url.username !== '' || url.pathname.startsWith('//')
  })
  t.same(escaped, [])
})

test('no text at all leaves the hosts that are served, and what is judged once is judged the same again', async (t) => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    'https:',
    '@',
    '%2f',
    '%5c',
    '.',
    '?',
    '#',
    '\t',
    ' ',
    'evil',
    APP,
  )
  const written = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(written, (text) => {
      const result = returnUrl(text, isServed)
      return SERVED.has(asRead(result).origin) && returnUrl(result, isServed) === result
    }),
    { numRuns: 5_000 },
  )
  t.pass()
})

test('sign-in, sign-out and the login URL send nobody away, whatever they are told', async (t) => {
  const { browser, clock } = await startEndpoints(t)
  const [signedIn, anonymous] = [browser(), browser()]
  await signedIn.follow(`${APP}/.gatehouse/sign_in`, { until: (url) => url.href === `${APP}/` })
  const left: string[] = []
  // All single finds, which stand last, and a part of the combinations: the function has seen them all above.
  const targets = hostileTargets().filter((_, n, all) => n % 10 === 0 || n > all.length - 50)
  for (const target of targets) {
    // Not so fast that anybody is told to come later.
    clock.time += 1_000
    const rd = new URLSearchParams({ rd: target })
    const signIn = await signedIn.visit(`${APP}/.gatehouse/sign_in?${rd}`)
    const signOut = await anonymous.post(`${AUTH}/.gatehouse/sign_out`, { rd: target })
    const link = new URLSearchParams({ target_link_uri: target })
    const login = await signedIn.visit(`${AUTH}/.gatehouse/login/okta?${link}`)
    if (signIn.status !== 302 || signOut.status !== 303 || login.status !== 302) {
      left.push(`not redirected: ${target}`)
    }
    for (const { location } of [signIn, signOut, login]) {
      if (!SERVED.has(new URL(location ?? 'x://').origin)) left.push(target)
    }
  }
  t.same(left, [])
})
