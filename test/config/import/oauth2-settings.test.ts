/** Single keys of oauth2-proxy: what they become, and what is said of it. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of a config

import { test } from 'tap'
import { importTexts, listing, tableOf, written } from './imported.ts'

const BASE = `redirect_url = "https://app.example.com/oauth2/callback"
email_domains = ["example.com"]
client_id = "gate"
`

/** Lines of the file, what is then written, and the note on it. */
const LINES: readonly (readonly [string, string, RegExp, RegExp?])[] = [
  ['no upstream: a route for forward-auth', '', /from: https:\/\/app\.example\.com\n\s+policy:/],
  ['one upstream as a text', 'upstreams = "http://app:80"', /to: http:\/\/app:80/],
  [
    'a fixed answer',
    'upstreams = ["static://202"]',
    /response: \{ status: 202, body: Authenticated \}/,
  ],
  [
    'files',
    'upstreams = ["file:///www/#/s/"]',
    /prefix: \/s\/\n\s+policy:/,
    /files are not served/,
  ],
  ['a socket', 'upstreams = ["unix:///run/app.sock"]', /policy:/],
  [
    'the host of the upstream',
    'upstreams = ["http://a/"]\npass_host_header = false',
    /to: http:\/\/a\n\s+allow_websockets/,
  ],
  [
    'no verification',
    'upstreams = ["https://a/"]\nssl_upstream_insecure_skip_verify = "true"',
    /tls_skip_verify: true/,
  ],
  ['every port', 'http_address = "http://:4180"', /listen: 0\.0\.0\.0:4180/],
  [
    'a socket to listen on',
    'http_address = "unix:///run/x"',
    /listen: 127\.0\.0\.1:4180/,
    /nothing else/,
  ],
  [
    'TLS without its files',
    'tls_cert_file = "/no/c.pem"\ntls_key_file = "/no/k.pem"',
    /listen: 0\.0\.0\.0:443/,
    /no such file; kept as a comment/,
  ],
  [
    'a callback of its own',
    'proxy_prefix = "/auth"\nredirect_url = "https://b.example.com"',
    /redirect_path: \/auth\/callback/,
  ],
  [
    'http to browsers',
    'redirect_url = "http://b.example.com/oauth2/callback"',
    /public_url: http:\/\/b\.example\.com\n\s+.*allow_http: true/,
    /opt-out/,
  ],
  [
    'no host',
    'redirect_url = ""\ncookie_domains = [".corp.example.com"]',
    /public_url: https:\/\/replace-me\.corp\.example\.com/,
    /names no host/,
  ],
  ['Google', 'provider = "google"', /google:\n\s+issuer: https:\/\/accounts\.google\.com/],
  [
    'Entra',
    'provider = "entra-id"\noidc_issuer_url = "https://login.microsoftonline.com/t/v2.0"',
    /entra-id:\n\s+issuer: https:\/\/login\.microsoftonline\.com\/t\/v2\.0/,
    /email_verified/,
  ],
  [
    'a tenant',
    'provider = "azure"\nazure_tenant = "t-1"',
    /issuer: https:\/\/login\.microsoftonline\.com\/t-1\/v2\.0/,
  ],
  [
    'the tenant of everyone',
    'provider = "azure"\nazure_tenant = "common"',
    /issuer: https:\/\/replace-me\.invalid/,
    /no issuer is known/,
  ],
  [
    'the older Keycloak',
    'provider = "keycloak"\nlogin_url = "https://kc/auth/realms/r/protocol/openid-connect/auth"',
    /issuer: https:\/\/kc\/auth\/realms\/r\n/,
  ],
  ['GitHub', 'provider = "github"', /issuer: https:\/\/replace-me\.invalid/, /OAuth alone/],
  [
    'a secret in a file',
    'client_secret_file = "/no/secret"',
    /client_id: gate\n/,
    /cannot read `\/no\/secret`/,
  ],
  ['any e-mail', 'insecure_oidc_allow_unverified_email = true', /allow_unverified_email: true/],
  [
    'no headers',
    'pass_basic_auth = false\npass_user_headers = false',
    /identity_headers:\n\s+headers: \{\}/,
  ],
  ['the e-mail as the user', 'prefer_email_to_user = true', /X-Forwarded-User: email/],
  [
    'the ID token',
    'upstreams = ["http://a/"]\npass_authorization_header = true',
    /Authorization: "Bearer \$\{id_token\}"/,
  ],
  ['a session of the browser', 'cookie_expire = "0"', /lifetime: 7d/, /does not exist/],
  [
    'trusted addresses',
    'trusted_ips = ["10.0.0.0/8", "::1"]',
    /source_ip: \[ 10\.0\.0\.0\/8, ::1 \]/,
  ],
  [
    'proxies by name',
    'reverse_proxy = true\ntrusted_proxy_ips = ["10.1.0.0/16"]',
    /trusted_proxies: \[ 10\.1\.0\.0\/16 \]/,
  ],
  [
    'every proxy',
    'reverse_proxy = true\ntrusted_proxy_ips = ["0.0.0.0/0"]',
    /public_url/,
    /allow_any_proxy/,
  ],
  ['a pattern that is none', 'skip_auth_regex = ["^/a("]', /use: people/, /not an RE2 pattern/],
  [
    'Redis',
    'session_store_type = "redis"\nredis_connection_url = "redis://r:6379"\nredis_password = "hush-hush"',
    /store: /,
    /set it as OAUTH2_PROXY_REDIS_PASSWORD/,
  ],
  [
    'Redis with sentinels',
    'session_store_type = "redis"\nredis_use_sentinel = true',
    /store: sqlite:sessions\.db/,
    /redis-sentinel:\/\//,
  ],
  [
    'singular names',
    'whitelist_domain = ".example.com"\nskip_auth_route = ["^/x"]',
    /matches: \/x\.\*/,
    /each host needs a route/,
  ],
]

for (const [title, lines, expected, note] of LINES) {
  test(`oauth2-proxy: ${title}`, async (t) => {
    const keys = new Set(lines.split('\n').map((line) => line.split(' ')[0]))
    const base = BASE.split('\n').filter((line) => !keys.has(line.split(' ')[0]))
    const text = [...base, lines, ''].join('\n')
    const imported = await importTexts('oauth2-proxy', { 'o.cfg': text })
    t.notOk(imported.problems.some(({ severity }) => severity === 'error'))
    t.match(written(imported), expected)
    t.doesNotThrow(() => tableOf(imported))
    t.notMatch(listing(imported), 'hush-hush')
    if (note !== undefined) t.match(imported.notes.map(({ message }) => message).join('\n'), note)
  })
}
