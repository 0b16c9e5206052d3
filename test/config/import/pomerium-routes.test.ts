/** Single keys of Pomerium's routes and settings: what they become, and what is said of it. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of headers

import { test } from 'tap'
import { stringify } from 'yaml'
import { importTexts, listing, notesOf, outcomeOf, tableOf, written } from './imported.ts'

type Data = Readonly<Record<string, unknown>>

const SETTINGS = {
  authenticate_service_url: 'https://auth.example.com',
  idp_provider: 'oidc',
  idp_provider_url: 'https://id.example.com',
  idp_client_id: 'gate',
  insecure_server: true,
}
const ROUTE = { from: 'https://app.example.com', to: 'http://app:3000' }

const importRoutes = (routes: readonly Data[], settings: Data = {}) =>
  importTexts('pomerium', { 'config.yaml': stringify({ ...SETTINGS, ...settings, routes }) })

/** A route's keys, what is then written, and the note on it. */
const KEYS: readonly (readonly [string, Data, RegExp, RegExp?])[] = [
  [
    'Strict-Transport-Security',
    { set_response_headers: { 'strict-transport-security': 'max-age=3600' } },
    /strict-transport-security: max-age=3600\n\s+hsts: 1h/,
  ],
  [
    'Strict-Transport-Security without an age',
    { set_response_headers: { 'Strict-Transport-Security': 'preload' } },
    /Strict-Transport-Security: preload/,
    /says no `max-age`/,
  ],
  ['a timeout of Go', { timeout: '1h30m0.5s' }, /timeout: 5400500ms/],
  ['a whole timeout', { timeout: '1h30m' }, /timeout: 90m/],
  ['no timeout', { timeout: '0' }, /timeout: 0s/],
  [
    'WebSockets',
    { allow_websockets: true },
    /allow_websockets: true\n\s+timeout: 0s\n\s+idle_timeout: 0s/,
    /allow_websockets: .*websocket_origins/,
  ],
  [
    'a path in `to`, for a prefix',
    { prefix: '/a', to: 'http://app/b' },
    /to: http:\/\/app\n\s+prefix_rewrite: \/b/,
    /takes the path of `to`/,
  ],
  [
    'a lone slash in `to`, for a prefix',
    { prefix: '/a', to: 'http://app/' },
    /to: http:\/\/app\n\s+prefix_rewrite: \//,
  ],
  [
    'a path in `to`, for all paths',
    { to: 'http://app/b' },
    /to: http:\/\/app\/b\n/,
    /without a slash between them/,
  ],
  [
    'a path in `to` beside a rewrite',
    { prefix: '/a', to: 'http://app/b', prefix_rewrite: '/c' },
    /to: http:\/\/app\n\s+prefix_rewrite: \/c/,
    /uses `\/b` of the URL for nothing/,
  ],
  ['h2c', { to: 'h2c://app:80' }, /to: h2c:\/\/app:80/],
  ['a password in `to`', { to: 'http://u:hush@app:80' }, /to: http:\/\/app:80/, /not copied/],
  [
    'a redirect',
    { to: undefined, redirect: { https_redirect: true, host_redirect: 'b.example.com' } },
    /redirect:\n\s+https: true\n\s+host: b\.example\.com\n\s+code: 301/,
  ],
  [
    'a redirect with a code',
    { to: undefined, redirect: { host_redirect: 'b.example.com', response_code: 308 } },
    /host: b\.example\.com\n\s+code: 308/,
  ],
  [
    'an answer',
    { to: undefined, response: { status: 200, body: 'ok' } },
    /response:\n\s+status: 200\n\s+body: ok/,
  ],
  [
    'tokens in headers',
    { set_request_headers: { Authorization: 'Bearer ${pomerium.access_token}', 'X-Price': '$$5' } },
    /Authorization: "Bearer \$\{access_token\}"\n\s+X-Price: \$5/,
  ],
  [
    'a secret in headers',
    { set_request_headers: { 'X-Api-Key': 'hush' } },
    /remove_request_headers: \[ X-Api-Key \]/,
    /X-Api-Key: looks like a secret/,
  ],
  [
    'an unknown token',
    { set_request_headers: { 'X-A': '${pomerium.request.headers["X-B"]}' } },
    /remove_request_headers: \[ X-A \]/,
    /its template takes what is not known/,
  ],
  [
    'a header set and removed',
    { set_request_headers: { 'X-A': '1' }, remove_request_headers: ['x-a', 'X-B'] },
    /remove_request_headers: \[ X-B \]/,
    /is not removed in Pomerium/,
  ],
  ['the name for TLS', { tls_upstream_server_name: 'inside' }, /tls_server_name: inside/],
  ['one user', { allowed_users: 'ana@example.com' }, /allowed_users: \[ ana@example\.com \]/],
  [
    'users in capitals',
    { allowed_users: ['Ana@example.com'] },
    /allowed_users/,
    /with regard to case/,
  ],
  [
    'regex before path and prefix',
    { regex: '/a.*', path: '/b', prefix: '/c' },
    /regex: \/a\.\*/,
    /`regex` alone/,
  ],
  [
    'a regex that is none',
    { regex: '/a(' },
    /policies/,
    /not an RE2 pattern.*kept as a comment, so what it took goes/,
  ],
  [
    'a wildcard',
    { from: 'https://*.example.com' },
    /from: https:\/\/\*\.example\.com/,
    /one label/,
  ],
  [
    'a balancing that is not there',
    { load_balancing_policy: 'MAGLEV' },
    /to: /,
    /load_balancing_policy/,
  ],
  [
    'sub-policies',
    { sub_policies: [{ rego: ['x'] }], allowed_users: ['ana@example.com'] },
    /from: https:\/\/app\.example\.com/,
    /refuses everyone/,
  ],
  ['preflights', { cors_allow_preflight: true }, /cors_allow_preflight: true/],
  ['keys in capitals', { Allowed_Domains: ['example.com'] }, /allowed_domains: \[ example\.com \]/],
]

for (const [title, keys, expected, note] of KEYS) {
  test(`a route with ${title}`, async (t) => {
    const imported = await importRoutes([{ ...ROUTE, ...keys }])
    t.match(written(imported), expected)
    t.doesNotThrow(() => tableOf(imported))
    if (note !== undefined)
      t.match(
        imported.notes.map(({ subject, message }) => `${subject}: ${message}`).join('\n'),
        note,
      )
    t.notMatch(listing(imported), 'hush')
  })
}

test('routes for anything but HTTP are named and left out', async (t) => {
  const froms = ['tcp+https://db.example.com:5432', 'udp+https://dns.example.com', 'ssh://host']
  const routes = froms.map((from) => ({ from, to: 'tcp://db:5432', allowed_users: ['a@b.c'] }))
  const imported = await importRoutes([...routes, ROUTE])
  t.strictSame(tableOf(imported).hosts(), ['app.example.com'])
  const notes = notesOf(imported, 'left-out').filter((note) =>
    note.includes('the route is left out'),
  )
  t.equal(notes.length, 3)
})

test('a prefix that no longer takes a path says where the path goes', async (t) => {
  const open = { ...ROUTE, allow_public_unauthenticated_access: true }
  const admin = { ...ROUTE, prefix: '/admin', allowed_users: ['ana@example.com'] }
  const imported = await importRoutes([open, admin])
  t.match(notesOf(imported, 'decide'), [
    /^routes\[1\]\.prefix: .*`\/adminx`.*route of `\/`.*`\/admin\.\*`/,
  ])
  const alone = await importRoutes([admin])
  t.strictSame(notesOf(alone, 'decide'), [])
  t.match(notesOf(alone, 'differs').join('\n'), /routes\[0\]\.prefix: .*is not found/)
  const segments = await importRoutes([open, { ...admin, prefix: '/admin/' }])
  t.strictSame(notesOf(segments, 'decide'), [])
})

test('a route that cannot be written keeps its place, and lets nobody in there', async (t) => {
  const open = { ...ROUTE, allow_public_unauthenticated_access: true }
  const broken = {
    ...ROUTE,
    prefix: '/admin',
    provider: 1,
    idp_client_id: 'x',
    policy: 'allow: {}',
  }
  const imported = await importRoutes([open, broken])
  const table = tableOf(imported)
  t.equal(outcomeOf(table, 'GET https://app.example.com/', 'anonymous'), 'allow')
  t.equal(outcomeOf(table, 'GET https://app.example.com/admin', 'lena'), 'deny')
})

test('two patterns that could both win: the second is a comment, to be decided', async (t) => {
  const routes = [
    { ...ROUTE, regex: '/a.*', allowed_users: ['ana@example.com'] },
    { ...ROUTE, regex: '/a/b.*', allowed_users: ['ben@example.com'] },
  ]
  const imported = await importRoutes(routes)
  t.match(notesOf(imported, 'decide'), [/^routes\[1\]: .*could both win.*kept as a comment/])
  t.equal(tableOf(imported).routes.length, 1)
  t.match(listing(imported), /#\s+regex: \/a\/b\.\*/)
})

test('a client of its own is a provider of its own', async (t) => {
  const own = {
    ...ROUTE,
    from: 'https://a.example.com',
    idp_client_id: 'other',
    idp_client_secret: 'hush',
  }
  const routes = [ROUTE, own, { ...own, from: 'https://b.example.com' }]
  const imported = await importRoutes(routes)
  const text = written(imported)
  t.equal(text.match(/provider: oidc-2/g)?.length, 2)
  t.match(
    text,
    /oidc-2:\n {4}issuer: https:\/\/id\.example\.com\n {4}client_id: other\n {4}redirect_path: \/oauth2\/callback\/2/,
  )
  t.match(
    imported.environment,
    ['IDP_CLIENT_SECRET', 'GATEHOUSE_SECRET', 'IDP_CLIENT_SECRET_2'].slice(0, 1),
  )
  t.ok(imported.environment.includes('IDP_CLIENT_SECRET_2'))
})

test('who needed a certificate needs one', async (t) => {
  const mtls = { downstream_mtls: { ca_file: '/tls/clients.pem' } }
  const open = { ...ROUTE, allow_public_unauthenticated_access: true }
  const table = tableOf(await importRoutes([open], mtls))
  t.equal(outcomeOf(table, 'GET https://app.example.com/', 'lena'), 'deny')
  const byPolicy = { downstream_mtls: { ca_file: '/tls/clients.pem', enforcement: 'policy' } }
  const invalid = { deny: { or: [{ invalid_client_certificate: true }] } }
  const routes = [
    open,
    {
      ...ROUTE,
      from: 'https://b.example.com',
      allow_any_authenticated_user: true,
      policy: invalid,
    },
  ]
  const asked = tableOf(await importRoutes(routes, byPolicy))
  t.equal(outcomeOf(asked, 'GET https://app.example.com/', 'lena'), 'allow')
  t.equal(outcomeOf(asked, 'GET https://b.example.com/', 'lena'), 'deny')
})

test('claims whose names mean more here than there are to be decided', async (t) => {
  const policy = {
    allow: { or: [{ 'claim/realm_access/roles': 'admin' }, { 'claim/Department': 'Docks' }] },
    deny: { or: [{ 'claim/a/b': 'c' }, { 'claim/https://example.com/role': 'x' }] },
  }
  const imported = await importRoutes([{ ...ROUTE, policy }])
  t.match(notesOf(imported, 'decide'), [
    /realm_access\/roles: .*by dots/,
    /Department: .*in lower case/,
  ])
  t.equal(notesOf(imported, 'differs').filter((note) => note.includes('by dots')).length, 1)
})

test('claims that are reached in two ways are one', async (t) => {
  const claims = { a: { b: ['x'] }, 'a.b': ['y'], level: 3, none: [] }
  const imported = await importRoutes([{ ...ROUTE, allowed_idp_claims: claims }])
  t.match(listing(imported), /a\.b: \[ x, y \]/)
  t.match(notesOf(imported, 'left-out').join('\n'), /allowed_idp_claims: .*kept as a comment/)
})

/** Settings, what is then written, and the note on it. */
const FOR_ALL: readonly (readonly [string, Data, RegExp, RegExp?])[] = [
  [
    'Auth0 issuers end with a slash',
    { idp_provider: 'auth0', idp_provider_url: 'https://x.auth0.com' },
    /issuer: https:\/\/x\.auth0\.com\/\n/,
  ],
  [
    'Google has one issuer',
    { idp_provider: 'google', idp_provider_url: undefined },
    /google:\n\s+issuer: https:\/\/accounts\.google\.com\n/,
  ],
  [
    'GitHub is no OpenID provider',
    { idp_provider: 'github', idp_provider_url: undefined },
    /issuer: https:\/\/replace-me\.invalid/,
    /OAuth alone/,
  ],
  ['a provider named local', { idp_provider: 'local' }, /providers:\n\s+oidc:/],
  [
    'http to an issuer',
    { idp_provider_url: 'http://id.example.com' },
    /allow_http: true/,
    /opt-out/,
  ],
  [
    'http to browsers',
    { authenticate_service_url: 'http://auth.example.com' },
    /allow_http: true/,
    /opt-out/,
  ],
  [
    'no sign-in host',
    { authenticate_service_url: undefined },
    /public_url: https:\/\/auth\.example\.com/,
    /choose it/,
  ],
  ['scopes in one text', { idp_scopes: 'openid,email' }, /scopes: \[ openid, email \]/],
  ['a lifetime', { cookie_expire: '24h' }, /lifetime: 1d\n[\s\S]*idle: 1d/],
  ['claims by header', { jwt_claims_headers: { 'X-Mail': 'email' } }, /X-Mail: email/],
  [
    'claims in one text',
    { jwt_claims_headers: 'email, given_name' },
    /X-Pomerium-Claim-Email: email\n\s+X-Pomerium-Claim-Given-Name: given_name/,
  ],
  [
    'a header that is taken',
    { jwt_claims_headers: { Cookie: 'email' } },
    /preset: pomerium/,
    /Cookie.*meaning of its own/,
  ],
  ['one timeout for all', { default_upstream_timeout: '10s' }, /timeout: 10s/],
  [
    'headers for all',
    { set_response_headers: { 'X-A': '1' } },
    /set_response_headers:\n\s+X-A: "1"/,
    /no Strict-Transport-Security is among them/,
  ],
  [
    'no Strict-Transport-Security',
    { set_response_headers: { disable: 'true' } },
    /server:[\s\S]*\n {2}hsts: 0s/,
  ],
  [
    'Strict-Transport-Security for every answer',
    { set_response_headers: { 'Strict-Transport-Security': 'max-age=31536000; preload' } },
    /server:[\s\S]*\n {2}hsts: 365d[\s\S]*set_response_headers:\n\s+Strict-Transport-Security: max-age=31536000; preload/,
    /own pages say `max-age` alone/,
  ],
  [
    'identity for all',
    { pass_identity_headers: true },
    /to: http:\/\/app:3000\n(?!.*pass_identity_headers)/,
  ],
  ['a text that looks like a reference', { idp_client_id: '${HOME}' }, /client_id: "\$\$\{HOME\}"/],
  [
    'Postgres',
    { databroker_storage_type: 'postgres' },
    /store: sqlite:sessions\.db/,
    /Redis for several/,
  ],
  [
    'the older name of routes',
    { policy: [{ from: 'https://old.example.com', to: 'http://old' }] },
    /from: https:\/\/old\.example\.com/,
  ],
]

for (const [title, settings, expected, note] of FOR_ALL) {
  test(`settings: ${title}`, async (t) => {
    const imported = await importRoutes([ROUTE], settings)
    t.match(written(imported), expected)
    t.notOk(imported.problems.some(({ severity }) => severity === 'error'))
    if (note !== undefined) t.match(imported.notes.map(({ message }) => message).join('\n'), note)
  })
}
