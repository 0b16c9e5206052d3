import { test } from 'tap'
import type { AssertionClaims } from '../../src/identity/assertion.ts'
import type { LiveSession, SessionTokens } from '../../src/identity/session.ts'
import { compileClaimPath } from '../../src/policy/language/claim-path.ts'
import type { Group, Person } from '../../src/policy/model.ts'
import type { HeaderPart, Route } from '../../src/policy/route.ts'
import { createIdentityHeaders, type RouteIdentity } from '../../src/proxy/identity-headers.ts'

const DEFAULTS = {
  'X-Forwarded-User': 'sub',
  'X-Forwarded-Email': 'email',
  'X-Forwarded-Preferred-Username': 'preferred_username',
  'X-Forwarded-Groups': 'groups',
}
const ORIGIN = 'https://app.example.com'

interface Setting {
  readonly person?: Partial<Person>
  readonly name?: string
  readonly groups?: readonly Group[]
  readonly config?: Partial<Parameters<typeof createIdentityHeaders>[0]['config']>
  readonly route?: Partial<Route>
  readonly tokens?: SessionTokens
}

function arrange({ person, name, groups = [], config, route, tokens }: Setting = {}) {
  const reads: number[] = []
  const signed: AssertionClaims[] = []
  const time = { now: 1_000_000 }
  const identityOf = createIdentityHeaders({
    config: {
      headers: DEFAULTS,
      groups: 'named',
      assertion: 'X-Assertion',
      preset: 'none',
      ...config,
    },
    signer: {
      jwks: { keys: [] },
      sign: async (claims) => `jwt-${signed.push(claims)}`,
    },
    publicUrl: 'https://auth.example.com',
    now: () => time.now,
  })
  const subject = {
    kind: 'person',
    sub: '00u1',
    email: 'ana@example.com',
    claims: { preferred_username: 'ana' },
    groups: {
      list: groups,
      spellings: new Set(
        groups.flatMap((group) => [group.id, group.name]).filter((one) => one !== undefined),
      ),
      complete: true,
    },
    ...person,
  }
  const session = { id: 'session-hash', subject, record: { name } } as unknown as LiveSession
  const wanted = {
    passIdentityHeaders: true,
    policy: { namesGroup: (group: string) => ['staff', '00g1'].includes(group) },
    ...route,
  } as unknown as Route
  const sessions = {
    tokens: async () => {
      reads.push(time.now)
      return tokens
    },
  }
  const ask = (origin = ORIGIN) => identityOf(session, wanted, origin, sessions)
  return { ask, signed, time, reads }
}

function toObject({ headers }: RouteIdentity): Record<string, string> {
  const entries: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2)
    entries[headers[i] as string] = headers[i + 1] as string
  return entries
}

test('sub, e-mail, user name and the groups that the policy names are sent, with the assertion', async (t) => {
  const groups = [{ name: 'staff' }, { name: 'other' }, { id: '00g1', name: 'ops' }]
  const { ask, signed } = arrange({ groups, name: 'Ana' })
  t.same(toObject(await ask()), {
    'X-Forwarded-User': '00u1',
    'X-Forwarded-Email': 'ana@example.com',
    'X-Forwarded-Preferred-Username': 'ana',
    'X-Forwarded-Groups': 'staff,00g1',
    'X-Assertion': 'jwt-1',
  })
  t.same(signed, [
    {
      issuer: 'https://auth.example.com',
      audience: ORIGIN,
      subject: '00u1',
      email: 'ana@example.com',
      groups: ['staff', '00g1'],
      name: 'Ana',
      sessionId: 'session-hash',
    },
  ])
})

test('all groups are sent by name where they have one', async (t) => {
  const groups = [{ name: 'staff' }, { id: '00g1', name: 'ops' }, { id: '00g2' }]
  const { ask } = arrange({ groups, config: { groups: 'all' } })
  t.equal(toObject(await ask())['X-Forwarded-Groups'], 'staff,ops,00g2')
})

test('with `groups: none` neither header nor assertion has any', async (t) => {
  const { ask, signed } = arrange({ groups: [{ name: 'staff' }], config: { groups: 'none' } })
  t.notHas(toObject(await ask()), { 'X-Forwarded-Groups': /./ })
  t.same(signed[0]?.groups, [])
})

test('a claim that is absent, empty, null or an object is an absent header', async (t) => {
  for (const value of [undefined, '', null, { a: 1 }, []]) {
    const { ask } = arrange({ person: { email: undefined, claims: { preferred_username: value } } })
    const sent = toObject(await ask())
    t.same(Object.keys(sent), ['X-Forwarded-User', 'X-Assertion'])
  }
})

test('an e-mail that is not verified is not sent, though the claim is there', async (t) => {
  const { ask } = arrange({ person: { email: undefined, claims: { email: 'evil@example.com' } } })
  t.notOk(Object.values(toObject(await ask())).includes('evil@example.com'))
})

test('inherited properties are no claims', async (t) => {
  const { ask } = arrange({ config: { headers: { 'X-A': 'constructor', 'X-B': '__proto__' } } })
  t.same(Object.keys(toObject(await ask())), ['X-Assertion'])
})

const encodings: Record<string, { value: unknown; sent: string }> = {
  'printable ASCII as it is': { value: 'Ana "A" O\'Neil; (x)', sent: 'Ana "A" O\'Neil; (x)' },
  'a percent sign': { value: '100%', sent: '100%25' },
  'other scripts': { value: '名前', sent: '%E5%90%8D%E5%89%8D' },
  'spaces at either end': { value: '  a b ', sent: '%20%20a b%20' },
  'a comma outside lists as it is': { value: 'a,b', sent: 'a,b' },
  'a comma in a list': { value: ['a,b', 'c'], sent: 'a%2Cb,c' },
  'a number': { value: 3, sent: '3' },
  'a boolean': { value: true, sent: 'true' },
  'a lone surrogate': { value: 'a\ud800', sent: 'a%EF%BF%BD' },
  'a list of mixed values': { value: ['a', 1, null, { b: 1 }], sent: 'a,1' },
}
for (const [name, { value, sent }] of Object.entries(encodings)) {
  test(`${name} is sent so that it can be read back`, async (t) => {
    const { ask } = arrange({ person: { claims: { preferred_username: value } } })
    t.equal(toObject(await ask())['X-Forwarded-Preferred-Username'], sent)
  })
}

for (const control of ['\r\nX-Admin: 1', '\n', '\0', '\t', '\u007f', '\u0085']) {
  test(`a value with ${JSON.stringify(control)} is refused, never split`, async (t) => {
    const { ask } = arrange({ person: { claims: { preferred_username: `a${control}` } } })
    await t.rejects(async () => ask(), { code: 'IDENTITY_UNSENDABLE', status: 403 })
  })
}

test('more than 8 KB of identity headers is refused, and the log says what to change', async (t) => {
  const groups = Array.from({ length: 500 }, (_, i) => ({ name: `a-rather-long-group-name-${i}` }))
  const { ask } = arrange({ groups, config: { groups: 'all' } })
  await t.rejects(async () => ask(), {
    code: 'IDENTITY_TOO_LARGE',
    message: /identity_headers\.groups/,
  })
})

test('a route with pass_identity_headers: false gets none, and no assertion is signed', async (t) => {
  const { ask, signed } = arrange({
    route: { passIdentityHeaders: false },
    groups: [{ name: 'staff' }],
  })
  const identity = await ask()
  t.same(identity.headers, [])
  t.same(identity.namedGroups, ['staff'], 'the log still knows the groups')
  t.same(signed, [])
})

test('an assertion is used again until half of its life is over', async (t) => {
  const { ask, signed, time } = arrange()
  await ask()
  time.now += 149_999
  t.notOk(ask() instanceof Promise, 'nothing is awaited while it is fresh')
  time.now += 2
  await ask()
  t.equal(signed.length, 2)
})

test('each host of a wildcard route has an assertion of its own', async (t) => {
  const { ask, signed } = arrange()
  await ask('https://a.example.com')
  await ask('https://b.example.com')
  t.same(
    signed.map(({ audience }) => audience),
    ['https://a.example.com', 'https://b.example.com'],
  )
})

test('the Pomerium preset adds its assertion, with host names as issuer and audience', async (t) => {
  const { ask, signed } = arrange({ config: { preset: 'pomerium' } })
  t.equal(toObject(await ask())['X-Pomerium-Jwt-Assertion'], 'jwt-2')
  t.match(signed[1], { issuer: 'auth.example.com', audience: 'app.example.com' })
})

test('the oauth2-proxy preset adds its header names', async (t) => {
  const { ask } = arrange({ config: { preset: 'oauth2-proxy' }, groups: [{ name: 'staff' }] })
  t.match(toObject(await ask()), {
    'X-Auth-Request-User': '00u1',
    'X-Auth-Request-Groups': 'staff',
  })
})

/** A route that sets one header to the parts. */
function setting(...parts: readonly HeaderPart[]): Partial<Route> {
  return {
    requestHeaders: {
      set: [{ name: 'X-Set', parts }],
      dropped: new Set(['x-set']),
      usesAssertion: parts.some(({ kind }) => kind === 'jwt'),
      usesTokens: parts.some(({ kind }) => kind === 'id_token' || kind === 'access_token'),
    },
  }
}

function claim(name: string): HeaderPart {
  return { kind: 'claim', name, lookUp: compileClaimPath(name) ?? (() => undefined) }
}

const SET: Record<string, { part: HeaderPart; claims: Record<string, unknown>; sent?: string }> = {
  'a nested claim': {
    part: claim('address.city'),
    claims: { address: { city: 'Ulm' } },
    sent: 'Ulm',
  },
  'a list': { part: claim('roles'), claims: { roles: ['a', 'b,c'] }, sent: 'a,b%2Cc' },
  'other scripts': { part: claim('n'), claims: { n: '名' }, sent: '%E5%90%8D' },
  'an object': { part: claim('n'), claims: { n: { a: 1 } } },
  'an inherited property': { part: claim('constructor'), claims: {} },
  'an e-mail that is verified, and no other': {
    part: claim('email'),
    claims: { email: 'evil@example.com' },
    sent: 'ana@example.com',
  },
}

for (const [name, { part, claims, sent }] of Object.entries(SET)) {
  test(`a header that a route sets: ${name}`, async (t) => {
    const { ask } = arrange({ route: setting(part), person: { claims } })
    t.equal(toObject(await ask())['X-Set'], sent)
  })
}

for (const control of ['\r\nX-Admin: 1', '\0', '\t']) {
  test(`a claim with ${JSON.stringify(control)} never gets into a header that a route sets`, async (t) => {
    const route = setting({ kind: 'text', text: 'x=' }, claim('n'))
    const { ask } = arrange({ route, person: { claims: { n: `a${control}` } } })
    await t.rejects(async () => ask(), { code: 'IDENTITY_UNSENDABLE', status: 403 })
  })
}

const TOKENS: SessionTokens = {
  idToken: 'id',
  accessToken: 'access',
  refreshToken: undefined,
  accessTokenExpiresAt: undefined,
}

test('tokens are read once for a session and route, and not at all where none is sent', async (t) => {
  const { ask, reads } = arrange({ route: setting({ kind: 'access_token' }), tokens: TOKENS })
  t.equal(toObject(await ask())['X-Set'], 'access')
  await ask()
  t.equal(reads.length, 1)
  const other = arrange({ route: setting(claim('n')), tokens: TOKENS })
  await other.ask()
  t.equal(other.reads.length, 0)
})

test('an access token is sent until it runs out, and not a moment longer', async (t) => {
  const tokens = { ...TOKENS, accessTokenExpiresAt: 1_010_000 }
  const { ask, time } = arrange({ route: setting({ kind: 'access_token' }), tokens })
  t.equal(toObject(await ask())['X-Set'], 'access')
  time.now = 1_010_000
  t.equal(toObject(await ask())['X-Set'], undefined)
  t.notOk(ask() instanceof Promise, 'that there is none is remembered too')
})

test('a token that no header can hold is refused, never changed', async (t) => {
  const tokens = { ...TOKENS, accessToken: 'a\r\nX-Admin: 1' }
  const { ask } = arrange({ route: setting({ kind: 'access_token' }), tokens })
  await t.rejects(async () => ask(), { code: 'IDENTITY_UNSENDABLE' })
})

test('headers that a route sets count towards the limit', async (t) => {
  const { ask } = arrange({
    route: setting({ kind: 'id_token' }),
    tokens: { ...TOKENS, idToken: 'x'.repeat(9_000) },
  })
  await t.rejects(async () => ask(), { code: 'IDENTITY_TOO_LARGE' })
})
