/** Who got past oauth2-proxy gets past here, and nobody else. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of a config

import { test } from 'tap'
import {
  importFixture,
  importTexts,
  listing,
  notesOf,
  outcomeOf,
  tableOf,
  written,
} from './imported.ts'

const APP = 'https://app.corp.example.com'

test('e-mail domain and group are demanded together', async (t) => {
  const table = tableOf(await importFixture('oauth2-proxy', 'oauth2-proxy.cfg'))
  const expected = { lena: 'allow', omar: 'deny', vex: 'deny', anonymous: 'sign_in' }
  for (const [who, outcome] of Object.entries(expected)) {
    t.equal(outcomeOf(table, `GET ${APP}/`, who), outcome, who)
    t.equal(outcomeOf(table, `GET ${APP}/api/x`, who), outcome, `${who}, the other upstream`)
  }
})

test('what needed no sign-in needs none, by method and by path', async (t) => {
  const table = tableOf(await importFixture('oauth2-proxy', 'oauth2-proxy.cfg'))
  const expected = {
    'GET /api/health': 'allow',
    'POST /api/health': 'sign_in',
    'GET /api/health/x': 'sign_in',
    'GET /assets/a.js': 'allow',
    'POST /assets/a.js': 'allow',
    'GET /x/assets/': 'sign_in',
  }
  for (const [line, outcome] of Object.entries(expected)) {
    const [method, path] = line.split(' ')
    t.equal(outcomeOf(table, `${method} ${APP}${path}`, 'anonymous'), outcome, line)
  }
})

const SKIPS: Readonly<Record<string, Readonly<Record<string, 'allow' | 'sign_in'>>>> = {
  '/probe': { '/probe': 'allow', '/x/probe/y': 'allow', '/x': 'sign_in' },
  '^/probe': { '/probe': 'allow', '/probes': 'allow', '/x/probe': 'sign_in' },
  probe$: { '/x/probe': 'allow', '/probe/x': 'sign_in' },
  '^/a$|^/b': { '/a': 'allow', '/ax': 'sign_in', '/bx': 'allow', '/x/b': 'sign_in' },
  '!=^/private': { '/x': 'allow', '/private/x': 'sign_in' },
  'GET!=^/private': { '/x': 'allow', '/private': 'sign_in' },
  'get=^/x': { '/x': 'allow' },
  'POST=^/x': { '/x': 'sign_in' },
  '^/a.*': { '/a/b': 'allow', '/b': 'sign_in' },
  '^/price\\$': { '/price$x': 'allow', '/price': 'sign_in' },
}

for (const [pattern, paths] of Object.entries(SKIPS)) {
  test(`skip_auth_routes takes ${pattern} as Go does`, async (t) => {
    const text = `redirect_url = "${APP}/oauth2/callback"
upstreams = ["http://app/"]
email_domains = ["*"]
skip_auth_routes = ['${pattern}']
`
    const table = tableOf(await importTexts('oauth2-proxy', { 'o.cfg': text }))
    for (const [path, outcome] of Object.entries(paths)) {
      t.equal(outcomeOf(table, `GET ${APP}${path}`, 'anonymous'), outcome, path)
    }
  })
}

const PEOPLE: Readonly<Record<string, readonly string[]>> = {
  'email_domains = ["*"]': ['lena', 'omar', 'pia', 'vex'],
  'email_domains = "corp.example.com"': ['lena', 'omar'],
  'email_domains = [".example.org", "rival.example"]': ['pia', 'vex'],
  'email_domains = ["*.example.org"]': ['pia'],
  'email_domains = ["*"]\nallowed_roles = ["admin"]': ['pia'],
  'email_domains = ["*"]\nallowed_groups = ["staff", "role:admin"]': ['lena', 'pia'],
  // What cannot be known lets nobody in.
  '': [],
  'authenticated_emails_file = "/etc/emails"': [],
  'email_domains = ["*"]\nprovider = "github"\ngithub_org = "acme"': [],
  'email_domains = ["*"]\ngitlab_projects = ["acme/app"]': [],
  'email_domains = ["x@y"]': [],
}

for (const [lines, admitted] of Object.entries(PEOPLE)) {
  test(`${lines.replaceAll('\n', ', ') || 'no e-mail domain'} admits who it did`, async (t) => {
    const text = `upstreams = ["http://app/"]\nredirect_url = "${APP}/"\n${lines}\n`
    const table = tableOf(await importTexts('oauth2-proxy', { 'o.cfg': text }))
    const names = ['lena', 'omar', 'pia', 'vex']
    const got = names.filter((who) => outcomeOf(table, `GET ${APP}/`, who) === 'allow')
    t.strictSame(got, admitted)
  })
}

test('the alpha config by itself lets nobody in, as whose e-mail counts is in the other file', async (t) => {
  const alone = await importFixture('oauth2-proxy', 'oauth2-alpha.yaml')
  const host = 'https://replace-me.invalid'
  t.equal(outcomeOf(tableOf(alone), `GET ${host}/`, 'lena'), 'deny')
  t.match(notesOf(alone, 'left-out').join('\n'), /^email_domains: .*--alpha-config/m)
})

test('both files together are one gateway', async (t) => {
  const both = await importFixture('oauth2-proxy', 'oauth2-alpha.cfg', 'oauth2-alpha.yaml')
  const table = tableOf(both)
  const role = 'claim/realm_access/roles: [ operator ]'
  t.match(listing(both), role)
  // Pia has the role and another domain; Lena the domain and neither group nor role.
  t.equal(outcomeOf(table, `GET ${APP}/`, 'pia'), 'deny')
  t.equal(outcomeOf(table, `GET ${APP}/`, 'lena'), 'deny')
  t.equal(outcomeOf(table, `GET ${APP}/public`, 'anonymous'), 'allow')
  t.equal(outcomeOf(table, `GET ${APP}/files/a`, 'anonymous'), 'sign_in')
  const text = written(both)
  t.match(text, 'client_secret: "${CORP_CLIENT_SECRET}"')
  t.match(text, 'X-Department: department')
  t.match(text, 'Authorization: "Bearer ${id_token}"')
  t.match(text, 'groups_claim: teams')
  t.strictSame(both.environment, ['CORP_CLIENT_SECRET', 'GATEHOUSE_SECRET'])
})

test('upstreams go where they went', async (t) => {
  const table = tableOf(await importFixture('oauth2-proxy', 'oauth2-proxy.cfg'))
  const host = table.host('app.corp.example.com')
  const targets = { '/': 8080, '/x': 8080, '/api/x': 9090, '/api': 8080 }
  for (const [path, port] of Object.entries(targets)) {
    t.match(JSON.stringify(host?.match(path)?.to), `"port":${port}`, path)
  }
})
