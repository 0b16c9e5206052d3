/** What is refused, each with one line that says where it is and what to write instead. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config is written with these

import { generateKeyPairSync } from 'node:crypto'
import { test } from 'tap'
import { type Files, GOOD, GOOD_CONFIG, GOOD_POLICY, load, SECRET } from './config-folder.ts'

interface Case {
  /** The config: the good one with `replace` in place of `find`, and `append` after it. */
  readonly find?: string | RegExp
  readonly replace?: string
  readonly append?: string
  readonly config?: string
  readonly files?: Files
  /** All that is reported. */
  readonly lines: readonly string[]
}

const PEM_384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey
const PEM_SMALL = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
const PEM_ED = generateKeyPairSync('ed25519').privateKey
const pem = (key: typeof PEM_384) => String(key.export({ type: 'pkcs8', format: 'pem' }))

const cases: Record<string, Case> = {
  'an unknown key': {
    find: 'public_url:',
    replace: 'publik_url:',
    lines: [
      'gatehouse.yaml:1:1: missing key `public_url`',
      'gatehouse.yaml:2:3: unknown key `publik_url`, did you mean `public_url`?',
    ],
  },
  'an unknown section': {
    append: 'sesion: {}\n',
    lines: ['gatehouse.yaml:10:1: unknown key `sesion`, did you mean `session`?'],
  },
  'a wrong type': {
    find: 'client_id: 0oa1',
    replace: 'client_id: 42',
    lines: ['gatehouse.yaml:6:16: `client_id` must be text, not a number'],
  },
  'a missing key': {
    find: '    client_id: 0oa1\n',
    replace: '',
    lines: ['gatehouse.yaml:4:3: missing key `client_id`'],
  },
  'no provider': {
    find: /providers:[\s\S]*session:/,
    replace: 'providers: {}\nsession:',
    lines: ['gatehouse.yaml:3:12: `providers` must not be empty'],
  },
  'no workers': {
    find: 'server:',
    replace: 'server:\n  workers: 0',
    lines: ['gatehouse.yaml:2:12: `workers` must be at least 1'],
  },
  'workers that are no number': {
    find: 'server:',
    replace: 'server:\n  workers: all',
    lines: ['gatehouse.yaml:2:12: `workers` must be a whole number or `auto`'],
  },
  'several workers without a store that they can share': {
    config: GOOD_CONFIG.replace('server:', 'server:\n  workers: auto').replace(
      'sqlite:sessions.db',
      '"memory:"',
    ),
    lines: [
      'gatehouse.yaml:2:12: `workers: auto` cannot share `store: memory:`, of which each worker would have one of its own; use `sqlite:///ABSOLUTE` or Redis, or `workers: 1`',
      'gatehouse.yaml:10:10: warning: with `store: memory:` everybody signs in again after a restart; `sqlite:///ABSOLUTE` keeps sessions',
    ],
  },
  'a bad duration': {
    append: '  idle: 1 hour\n',
    lines: ['gatehouse.yaml:10:9: `idle` must be a duration such as 30s, 15m, 8h or 7d'],
  },
  'bad YAML': {
    append: 'brand: { name: "x }\n',
    lines: ['gatehouse.yaml:11:1: missing closing "quote'],
  },
  'a key twice': {
    append: '  store: "memory:"\n',
    lines: ['gatehouse.yaml:10:3: the key `store` is already in this mapping'],
  },
  'an empty file': { config: '', lines: ['gatehouse.yaml:1:1: the file is empty'] },
  'a missing secret': {
    find: `  secret: ${SECRET}\n`,
    replace: '',
    lines: [
      'gatehouse.yaml:7:1: missing key `secret`: 32 bytes or more, base64 or hex; `gatehouse keygen` makes one',
    ],
  },
  'a variable that is not set, once': {
    find: `secret: ${SECRET}`,
    replace: 'secret: "${GATEHOUSE_SECRET}"',
    lines: ['gatehouse.yaml:8:11: environment variable `GATEHOUSE_SECRET` is not set'],
  },
  'a variable that is not set, where no text would do': {
    append: '  idle: "${IDLE}"\n',
    lines: ['gatehouse.yaml:10:9: environment variable `IDLE` is not set'],
  },
  'a short secret': {
    find: SECRET,
    replace: 'c2hvcnQ=',
    lines: [
      'gatehouse.yaml:8:11: `session.secret` is only 5 bytes; it must be 32 random bytes or more; `gatehouse keygen` makes one',
    ],
  },
  'a short secret in a list': {
    find: SECRET,
    replace: `[${SECRET}, 0011]`,
    lines: ['gatehouse.yaml:8:78: `secret[1]` must be text, not a number'],
  },
  'a secret that is a password': {
    find: SECRET,
    replace: '"correct horse battery staple, and more"',
    lines: [
      'gatehouse.yaml:8:11: `session.secret` is neither base64 nor hex; it must be 32 random bytes or more; `gatehouse keygen` makes one',
    ],
  },
  'a store of another kind': {
    find: 'sqlite:sessions.db',
    replace: 'postgres://db/sessions',
    lines: [
      'gatehouse.yaml:9:10: `store` must be `memory:`, `sqlite:///ABSOLUTE`, `sqlite:RELATIVE` or a Redis URL such as `redis://user:pass@host:6379/0`',
    ],
  },
  'sqlite on another host': {
    find: 'sqlite:sessions.db',
    replace: 'sqlite://host/sessions.db',
    lines: [
      'gatehouse.yaml:9:10: `store` must be `memory:`, `sqlite:///ABSOLUTE`, `sqlite:RELATIVE` or a Redis URL such as `redis://user:pass@host:6379/0`',
    ],
  },
  'no session at all for anybody': {
    append: '  max_per_user: 0\n',
    lines: ['gatehouse.yaml:10:17: `max_per_user` must be at least 1'],
  },
  'a time without its zone': {
    append: '  not_before: 2026-03-01T00:00:00\n',
    lines: [
      'gatehouse.yaml:10:15: `not_before` must be a time with its zone such as `2026-03-01T00:00:00Z`',
    ],
  },
  'a time before which there are no sessions, in the future': {
    append: '  not_before: 2026-03-02T09:00:01Z\n',
    lines: ['gatehouse.yaml:10:15: `not_before` is in the future: until then nobody could sign in'],
  },
  'a session that ends at once': {
    append: '  lifetime: 0s\n  idle: 0s\n',
    lines: [
      'gatehouse.yaml:10:13: `lifetime` must be longer than 0s',
      'gatehouse.yaml:11:9: `idle` must be longer than 0s',
    ],
  },
  'a listen address without a port': {
    find: 'server:',
    replace: 'server:\n  listen: 0.0.0.0',
    lines: [
      'gatehouse.yaml:2:11: `listen` must be an address and port such as `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`',
    ],
  },
  'one port for both listeners': {
    find: 'server:',
    replace: 'server:\n  listen: 0.0.0.0:9901',
    lines: ['gatehouse.yaml:1:1: `admin_listen` and `listen` take the same port; choose another'],
  },
  'a public URL with a path': {
    find: 'https://auth.example.com',
    replace: 'https://auth.example.com/sso',
    lines: [
      'gatehouse.yaml:2:15: `public_url` must be an origin such as `https://auth.example.com`, without path, query or user',
    ],
  },
  'a public URL without TLS': {
    find: 'https://auth.example.com',
    replace: 'http://auth.example.com',
    lines: [
      'gatehouse.yaml:2:15: `public_url` is plain http beyond loopback, so sessions can be stolen on the way; use https, or set `server.allow_http: true`',
    ],
  },
  'trust in every proxy': {
    find: 'server:',
    replace: 'server:\n  trusted_proxies: [10.0.0.0/8, 0.0.0.0/0, "::/0", 0.0.0.0/1]',
    lines: [1, 2, 3].map(
      (index) =>
        `gatehouse.yaml:2:${[0, 33, 44, 52][index]}: \`trusted_proxies[${index}]\` lets everybody choose the address that they are seen under; name your proxies, or set \`server.allow_any_proxy: true\``,
    ),
  },
  'a proxy that is no network': {
    find: 'server:',
    replace: 'server:\n  trusted_proxies: [10.0.0/8, 10.0.0.0/33, proxy, 1.2.3.4/]',
    lines: [0, 1, 2, 3].map(
      (index) =>
        `gatehouse.yaml:2:${[21, 31, 44, 51][index]}: \`trusted_proxies[${index}]\` must be an address or network such as \`10.0.0.0/8\``,
    ),
  },
  'who may ask for decisions is somebody': {
    append: 'forward_auth: { trusted_proxies: [0.0.0.0/0, gateway] }\n',
    lines: [
      'gatehouse.yaml:10:35: `trusted_proxies[0]` lets everybody choose the address that they are seen under; name your proxies, or set `server.allow_any_proxy: true`',
      'gatehouse.yaml:10:46: `trusted_proxies[1]` must be an address or network such as `10.0.0.0/8`',
    ],
  },
  'a provider named local': {
    find: 'okta:',
    replace: 'local:',
    lines: ['gatehouse.yaml:5:5: the provider name `local` is reserved; choose another'],
  },
  'a provider name for no URL': {
    find: 'okta:',
    replace: 'my okta:',
    lines: ['gatehouse.yaml:5:5: a provider name is made of letters, digits, `-` and `_`'],
  },
  'an issuer without TLS': {
    find: 'https://acme.okta.com',
    replace: 'http://acme.okta.com',
    lines: [
      'gatehouse.yaml:5:13: `issuer` is plain http beyond loopback, so anybody on the way can sign in as anybody; use https, or set `providers.okta.allow_http: true`',
    ],
  },
  'an issuer with a query': {
    find: 'https://acme.okta.com',
    replace: 'https://acme.okta.com?a=b',
    lines: [
      'gatehouse.yaml:5:13: `issuer` must be a URL without query or fragment, such as `https://acme.okta.com`',
    ],
  },
  'client_auth without a secret': {
    find: 'client_id: 0oa1',
    replace: 'client_id: 0oa1\n    client_auth: client_secret_post',
    lines: ['gatehouse.yaml:7:18: `client_auth: client_secret_post` needs `client_secret`'],
  },
  'a secret without client_auth': {
    find: 'client_id: 0oa1',
    replace: 'client_id: 0oa1\n    client_auth: none\n    client_secret: s',
    lines: [
      'gatehouse.yaml:7:18: `client_auth: none` is for a client without a secret; remove `client_secret` or choose `client_secret_basic`',
    ],
  },
  'two providers with one redirect path': {
    find: 'session:',
    replace: '  corp: { issuer: https://corp.example, client_id: c }\nsession:',
    lines: [
      'gatehouse.yaml:7:3: providers `okta` and `corp` have the same `redirect_path`; give each its own',
    ],
  },
  'a redirect path of our own': {
    find: 'client_id: 0oa1',
    replace: 'client_id: 0oa1\n    redirect_path: /.gatehouse/callback',
    lines: [
      'gatehouse.yaml:7:20: `redirect_path` must not lie below a path that Gatehouse itself answers',
    ],
  },
  'a redirect path that is not plain': {
    find: 'client_id: 0oa1',
    replace: 'client_id: 0oa1\n    redirect_path: /a/../b?x',
    lines: [
      'gatehouse.yaml:7:20: `redirect_path` must be a plain path such as `/oauth2/callback`, without query, `%`, `//` or `..`',
    ],
  },
  'a certificate that is not there': {
    find: 'server:',
    replace: 'server:\n  tls: [{ cert: a.crt, key: a.key }]',
    lines: [
      'gatehouse.yaml:2:17: cannot read `cert`: no such file',
      'gatehouse.yaml:2:29: cannot read `key`: no such file',
    ],
  },
  'a certificate that is none': {
    find: 'server:',
    replace: 'server:\n  tls: [{ cert: a.crt, key: a.key }]',
    files: { 'a.crt': 'x', 'a.key': 'y' },
    lines: [
      'gatehouse.yaml:2:17: `cert` must be a file with a PEM certificate',
      'gatehouse.yaml:2:29: `key` must be a file with a PEM private key without passphrase',
    ],
  },
  'identity headers that have another meaning': {
    append:
      'identity_headers:\n  headers: { Host: sub, "X Y": sub, Cookie: sub }\n  assertion: Connection\n',
    lines: [
      'gatehouse.yaml:11:20: `Host` has a meaning of its own and cannot carry an identity; use another, such as `X-Forwarded-User`',
      'gatehouse.yaml:11:32: `X Y` is no header name; use letters, digits and `-`',
      'gatehouse.yaml:11:45: `Cookie` has a meaning of its own and cannot carry an identity; use another, such as `X-Forwarded-User`',
      'gatehouse.yaml:12:14: `Connection` has a meaning of its own and cannot carry an identity; use another, such as `X-Forwarded-User`',
    ],
  },
  'one identity header twice': {
    append: 'identity_headers: { headers: { X-User: sub, x_user: email } }\n',
    lines: ['gatehouse.yaml:10:53: `x_user` and `X-User` are one header'],
  },
  'a signing key that is none': {
    append: 'identity_headers: { signing_key: abc }\n',
    lines: [
      'gatehouse.yaml:10:34: `signing_key` must be a PEM private key without passphrase; `gatehouse keygen` makes one',
    ],
  },
  'signing keys that are not for ES256 or RS256': {
    append:
      'identity_headers: { signing_key: ["${file:a.pem}", "${file:b.pem}", "${file:c.pem}"] }\n',
    files: { 'a.pem': pem(PEM_384), 'b.pem': pem(PEM_SMALL), 'c.pem': pem(PEM_ED) },
    lines: [
      'gatehouse.yaml:10:35: `signing_key` must be an EC key on P-256 (ES256); `gatehouse keygen` makes one',
      'gatehouse.yaml:10:52: `signing_key` must be an RSA key of 2048 bits or more',
      'gatehouse.yaml:10:69: `signing_key` must be an EC key on P-256 (ES256) or an RSA key (RS256)',
    ],
  },
  'a logo that is not there': {
    append: 'brand: { logo: logo.svg }\n',
    lines: ['gatehouse.yaml:10:16: cannot read `logo`: no such file'],
  },
  'a logo that is no picture': {
    append: 'brand: { logo: logo.svg, color: blue }\n',
    files: { 'logo.svg': 'hello' },
    lines: ['gatehouse.yaml:10:33: `color` must be a colour such as `"#0b5fff"`'],
  },
  'limits and rates that cannot be': {
    find: 'server:',
    replace:
      'server:\n  limits: { headers: 1, url_bytes: 1.5, header_timeout: 0s, body_timeout: 25h }\n  rate_limits: { sign_in: 5, local_sign_in: 0/m }',
    lines: [
      'gatehouse.yaml:2:22: `headers` must be at least 10',
      'gatehouse.yaml:2:36: `url_bytes` must be a whole number, not a number',
      'gatehouse.yaml:3:27: `sign_in` must be a rate such as `5/m`: so many in a second, minute, hour or day, not a number',
      'gatehouse.yaml:3:45: `local_sign_in` must be a rate such as `5/m`: so many in a second, minute, hour or day',
    ],
  },
  'times that cannot be': {
    find: 'server:',
    replace: 'server:\n  limits: { header_timeout: 0s, body_timeout: 25h }',
    lines: [
      'gatehouse.yaml:2:29: `header_timeout` must be between `1s` and `1d`',
      'gatehouse.yaml:2:47: `body_timeout` must be between `1s` and `1d`',
    ],
  },
  'certificates of clients without TLS': {
    find: 'server:',
    replace: 'server:\n  client_ca: clients.pem',
    lines: [
      'gatehouse.yaml:2:14: `client_ca` needs `server.tls`: certificates of clients are part of TLS',
      'gatehouse.yaml:2:14: cannot read `client_ca`: no such file',
    ],
  },
  'HTTP/2 without TLS beside TLS': {
    find: 'server:',
    replace: 'server:\n  h2c: true\n  tls: [{ cert: none.crt, key: none.key }]',
    lines: [
      'gatehouse.yaml:2:8: `h2c` is HTTP/2 without TLS, and `server.tls` is set; drop one',
      'gatehouse.yaml:3:17: cannot read `cert`: no such file',
      'gatehouse.yaml:3:32: cannot read `key`: no such file',
    ],
  },
  'one port for two listeners': {
    find: 'server:',
    replace: 'server:\n  listen: 0.0.0.0:8080\n  redirect_listen: 127.0.0.1:8080',
    lines: [
      'gatehouse.yaml:3:20: `redirect_listen` and `listen` take the same port; choose another',
    ],
  },
  'a bad Redis URL, without its password': {
    find: 'sqlite:sessions.db',
    replace: 'redis://user:pass@h1:1,h2:2',
    lines: [
      'gatehouse.yaml:9:10: `store` names several hosts; for these write `redis-sentinel://` or `redis-cluster://`',
    ],
  },
  'policies that are not there': {
    append: 'policies: [polices/]\n',
    lines: ['gatehouse.yaml:10:12: cannot read the policies: no such file'],
  },
  'an unknown criterion': {
    files: { policies: { 'app.yaml': GOOD_POLICY.replace('groups:', 'grops:') } },
    lines: ['policies/app.yaml:5:32: unknown criterion `grops`, did you mean `groups`?'],
  },
  'a duplicate route': {
    files: {
      policies: { 'a.yaml': GOOD_POLICY, 'b.yaml': GOOD_POLICY.replace('name: app', 'name: b') },
    },
    lines: [
      'policies/b.yaml:2:5: route `b` and route `app` (policies/a.yaml:2) could both win: both have prefix `/` on `app.example.com`',
    ],
  },
  'an http route': {
    files: { policies: { 'app.yaml': GOOD_POLICY.replace('https://app', 'http://app') } },
    lines: [
      'policies/app.yaml:3:11: plain http beyond loopback lets anyone on the way take over sessions; write `https://`, or set `server.allow_http: true`',
    ],
  },
  'mistakes in config and policies, in one run': {
    append: 'polices: [x]\n',
    files: { policies: { 'app.yaml': GOOD_POLICY.replace('groups:', 'grops:') } },
    lines: [
      'gatehouse.yaml:10:1: unknown key `polices`, did you mean `policies`?',
      'policies/app.yaml:5:32: unknown criterion `grops`, did you mean `groups`?',
    ],
  },
}

for (const [name, spoilt] of Object.entries(cases)) {
  test(`refused: ${name}`, async (t) => {
    const replaced = GOOD_CONFIG.replace(spoilt.find ?? '', () => spoilt.replace ?? '')
    const config = spoilt.config ?? replaced + (spoilt.append ?? '')
    const { snapshot, lines } = await load(t, {
      ...GOOD,
      'gatehouse.yaml': config,
      ...spoilt.files,
    })
    t.equal(snapshot, undefined)
    t.strictSame(lines, spoilt.lines)
  })
}

const ALL_STAGES = `server:
  public_url: https://auth.example.com/x
  lissen: ":443"
providers:
  okta:
    issuer: http://acme.okta.com
    client_id: \${CLIENT_ID}
    client_secret: \${CLIENT_SECRET}
  partners:
    issuer: https://partners.example.com
    redirect_path: /.gatehouse/x
session:
  secret: \${SECRET}
  store: \${STORE}
  idle: soon
brand: { logo: missing.svg }
`

test('mistakes of all stages are told in one run', async (t) => {
  const { snapshot, lines } = await load(t, {
    'gatehouse.yaml': ALL_STAGES,
    policies: { 'app.yaml': GOOD_POLICY.replace('groups:', 'grops:') },
  })
  t.equal(snapshot, undefined)
  t.strictSame(
    lines.map((line) => line.replace(/^(\S+ .{24}).*/, '$1')),
    [
      'gatehouse.yaml:2:15: `public_url` must be an ',
      'gatehouse.yaml:3:3: unknown key `lissen`, di',
      'gatehouse.yaml:6:13: `issuer` is plain http b',
      'gatehouse.yaml:7:16: environment variable `CL',
      'gatehouse.yaml:8:20: environment variable `CL',
      'gatehouse.yaml:9:3: missing key `client_id`',
      'gatehouse.yaml:13:11: environment variable `SE',
      'gatehouse.yaml:14:10: environment variable `ST',
      'gatehouse.yaml:15:9: `idle` must be a duratio',
      'gatehouse.yaml:16:16: cannot read `logo`: no s',
      'policies/app.yaml:5:32: unknown criterion `grops',
    ],
  )
})

test('a config that is not there is one line', async (t) => {
  const { lines } = await load(t, { policies: { 'app.yaml': GOOD_POLICY } })
  t.strictSame(lines, ['gatehouse.yaml:1:1: cannot read the config file: no such file'])
})

const optOuts: Record<string, { find: string; replace: string }> = {
  'server.allow_http': {
    find: 'public_url: https://auth.example.com',
    replace: 'public_url: http://auth.example.com\n  allow_http: true',
  },
  'server.allow_any_proxy': {
    find: 'server:',
    replace: 'server:\n  trusted_proxies: [0.0.0.0/0, "::/0"]\n  allow_any_proxy: true',
  },
  'providers.NAME.allow_http': {
    find: 'issuer: https://acme.okta.com',
    replace: 'issuer: http://acme.okta.com\n    allow_http: true',
  },
  'http on loopback': {
    find: 'https://auth.example.com',
    replace: 'http://auth.localhost:8080',
  },
}
for (const [name, { find, replace }] of Object.entries(optOuts)) {
  test(`not refused with ${name}`, async (t) => {
    const config = GOOD_CONFIG.replace(find, replace)
    const { snapshot, lines } = await load(t, { ...GOOD, 'gatehouse.yaml': config })
    t.strictSame(lines, [])
    t.ok(snapshot)
  })
}
