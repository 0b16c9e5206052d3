import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { Okta, OktaOptions } from '../../src/demo/okta/okta.ts'
import { freePort } from '../support/free-port.ts'
import { startOkta } from '../support/start-okta.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'
import { runCommand } from './run-command.ts'

const policyFor = (to: string) => `
routes:
  - name: app
    from: http://app.localhost:8080
    to: ${to}
    policy: [{ allow: { or: [{ groups: admins }] } }]
`

interface Case {
  readonly stand?: OktaOptions
  readonly provider?: (okta: Okta) => Record<string, unknown>
  readonly before?: (okta: Okta) => void
  readonly now?: () => number
}

async function runDoctor(t: Test, { stand, provider, before, now = Date.now }: Case = {}) {
  const okta = await startOkta(t, stand)
  before?.(okta)
  const folder = tempFolder(t)
  const upstream = await startUpstream(t)
  const config = {
    server: { public_url: 'http://localhost:8080', admin_listen: `127.0.0.1:${await freePort()}` },
    providers: {
      okta: {
        issuer: okta.issuer,
        client_id: okta.app.clientId,
        client_secret: okta.app.clientSecret,
        directory: { kind: 'okta', url: okta.org, api_token: okta.apiToken },
        ...provider?.(okta),
      },
    },
    session: { secret: Buffer.alloc(32, 7).toString('base64'), store: 'sqlite:s.db' },
  }
  writeFiles(folder, { 'gatehouse.yaml': JSON.stringify(config) })
  writeFiles(join(folder, 'policies'), { 'app.yaml': policyFor(upstream.origin) })
  const answer = await runCommand(['doctor'], { cwd: folder, now })
  return { ...answer, okta, upstream }
}

test('all is well: each thing that was tried is said, exit 0', async (t) => {
  const { stdout, stderr, exitCode, okta, upstream } = await runDoctor(t)
  t.equal(exitCode, 0)
  t.equal(stderr, '')
  t.match(stdout, /^ok {7}config: good; 1 route\n/)
  t.match(stdout, /ok {7}store: .*s\.db will be made at the first start\n/)
  t.match(stdout, `ok       upstream ${upstream.origin}: it answers\n`)
  t.match(stdout, 'ok       proxy: the gateway does not run here now')
  t.match(stdout, "ok       provider okta: found; Okta's own server of the organisation\n")
  t.match(stdout, 'ok       provider okta: the clocks agree\n')
  t.match(stdout, 'the redirect URI http://localhost:8080/oauth2/callback is known there\n')
  t.match(stdout, 'ok       provider okta: it takes our credentials')
  t.match(stdout, 'sign-in address: http://localhost:8080/.gatehouse/login/okta\n')
  t.match(stdout, 'groups come from the claim groups, by the scope `groups` and the directory\n')
  t.match(stdout, 'an e-mail counts when ID token or UserInfo says `email_verified: true`\n')
  t.match(stdout, 'ok       directory of okta: the API token is valid, and may read users\n')
  t.match(
    stdout,
    'Okta admits 1200 such calls a minute; with 50 percent of them 3000 people at a time',
  )
  t.match(stdout, /\n0 errors, 1 warning\n$/)
  t.notMatch(stdout, okta.apiToken)
  t.notMatch(stdout, okta.app.clientSecret)
})

const wrong: Record<string, Case & { readonly says: readonly RegExp[] }> = {
  'a redirect URI that is not registered': {
    provider: () => ({ redirect_path: '/elsewhere' }),
    says: [
      /error {4}provider okta: it refuses the redirect URI http:\/\/localhost:8080\/elsewhere/,
      /do: register exactly `http:\/\/localhost:8080\/elsewhere`/,
      /in: gatehouse.yaml, providers.okta.redirect_path/,
    ],
  },
  'a client secret that is wrong': {
    provider: () => ({ client_secret: 'wrong' }),
    says: [/error {4}provider okta: the token endpoint says: /, /do: compare `client_id`/],
  },
  'an issuer that is another one': {
    before: (okta) => {
      okta.faults.metadata = { issuer: 'https://acme.okta.com' }
    },
    says: [
      /error {4}provider okta: the issuer is configured as `http:.*`, the provider calls itself `https:\/\/acme.okta.com`/,
      /"Issuer" setting/,
    ],
  },
  'an issuer at which nothing is': {
    provider: (okta) => ({ issuer: `${okta.org}/oauth2/another` }),
    says: [/error {4}provider okta: .* answers HTTP 404, and no metadata/],
  },
  'a scope that the custom server does not have': {
    provider: (okta) => ({ issuer: okta.defaultIssuer, scopes: ['openid', 'email', 'groups'] }),
    says: [
      /warning {2}provider okta: its metadata does not list the scopes groups/,
      /error {4}provider okta: it refuses the scopes openid email groups/,
    ],
  },
  'a clock that is off': {
    now: () => Date.now() + 120_000,
    says: [
      /error {4}provider okta: the clock here is 1(19|20|21) s ahead of the provider's/,
      /NTP/,
    ],
  },
  'an API token that is not valid': {
    before: (okta) => okta.apiTokens.clear(),
    says: [
      /error {4}directory of okta: HTTP 401 E0000011 Invalid token provided/,
      /do: make a new API token as a read-only admin/,
      /in: gatehouse.yaml, providers.okta.directory.api_token/,
    ],
  },
  'a directory that is somebody else': {
    before: (okta) => okta.faults.fail('api', { kind: 'html' }),
    says: [/error {4}directory of okta: /],
  },
}

for (const [name, { says, ...how }] of Object.entries(wrong)) {
  test(`${name}: an error with what to do, exit 1`, async (t) => {
    const { stdout, exitCode } = await runDoctor(t, how)
    t.equal(exitCode, 1)
    for (const text of says) t.match(stdout, text)
  })
}

test('groups that nothing brings are a warning where policies name some', async (t) => {
  const { stdout, exitCode } = await runDoctor(t, {
    provider: (okta) => ({ issuer: okta.defaultIssuer, directory: undefined }),
  })
  t.equal(exitCode, 0)
  t.match(stdout, "Okta's custom server `default`, which needs an access policy for this app")
  t.match(stdout, /warning {2}provider okta: no scope asks for groups, .* and policies name groups/)
})

test('a provider that cannot be reached is one error, and nothing more is tried there', async (t) => {
  const { stdout, exitCode } = await runDoctor(t, {
    provider: () => ({ issuer: 'http://127.0.0.1:9' }),
  })
  t.equal(exitCode, 1)
  t.match(stdout, /error {4}provider okta: http:\/\/127.0.0.1:9 cannot be reached/)
  t.notMatch(stdout, 'provider okta: the redirect URI')
})

test('a bad config is exit 2, with its place', async (t) => {
  const { stderr, exitCode } = await runDoctor(t, { provider: () => ({ client: 'x' }) })
  t.equal(exitCode, 2)
  t.match(stderr, /^gatehouse.yaml:1:\d+: /)
})
