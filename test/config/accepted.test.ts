/** Settings that are taken, some of them with a word of warning. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config is written with these

import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { loadSnapshot } from '../../src/config/load.ts'
import { type Files, GOOD, GOOD_CONFIG, GOOD_POLICY, load } from './config-folder.ts'

const warned: Record<string, { find: string; replace: string; lines: readonly string[] }> = {
  'an admin listener beyond loopback': {
    find: 'server:',
    replace: 'server:\n  admin_listen: 0.0.0.0:9901',
    lines: [
      'gatehouse.yaml:2:17: warning: `admin_listen` leaves loopback without `server.admin_token`: only health and metrics answer there',
    ],
  },
  'an admin listener beyond loopback with a token': {
    find: 'server:',
    replace: 'server:\n  admin_listen: "[::]:9901"\n  admin_token: abc',
    lines: [],
  },
  'an idle time that never ends a session': {
    find: 'session:',
    replace: 'session:\n  idle: 2d',
    lines: [
      'gatehouse.yaml:8:9: warning: `idle` is longer than `lifetime` and so never ends a session',
    ],
  },
}
for (const [name, { find, replace, lines }] of Object.entries(warned)) {
  test(`taken: ${name}`, async (t) => {
    const config = GOOD_CONFIG.replace(find, replace)
    const result = await load(t, { ...GOOD, 'gatehouse.yaml': config })
    t.ok(result.snapshot)
    t.strictSame(result.lines, lines)
  })
}

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0])

test('a logo is an SVG or PNG file of moderate size', async (t) => {
  const folder = t.testdir({
    'gatehouse.yaml': `${GOOD_CONFIG}brand: { logo: logo }\n`,
    policies: { 'app.yaml': GOOD_POLICY },
  })
  const loadWith = async (logo: string | Buffer) => {
    await writeFile(join(folder, 'logo'), logo)
    const configFile = join(folder, 'gatehouse.yaml')
    return loadSnapshot({ configFile, env: {}, now: Date.now })
  }
  t.equal((await loadWith(PNG)).snapshot?.logo?.contentType, 'image/png')
  const svg = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>'
  t.equal((await loadWith(svg)).snapshot?.logo?.contentType, 'image/svg+xml')
  t.match((await loadWith('hello')).problems, [{ message: '`logo` must be an SVG or PNG file' }])
  t.match((await loadWith(Buffer.concat([PNG, Buffer.alloc(300_000)]))).problems, [
    { message: '`logo` must be smaller than 256 KiB' },
  ])
})

test('signing keys come as PKCS #8, whatever form they are written in', async (t) => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const files: Files = {
    ...GOOD,
    'gatehouse.yaml': `${GOOD_CONFIG}identity_headers: { signing_key: ["\${file:a}", "\${file:b}"] }\n`,
    a: String(ec.export({ type: 'sec1', format: 'pem' })),
    b: String(rsa.export({ type: 'pkcs1', format: 'pem' })),
  }
  const { snapshot, lines } = await load(t, files)
  t.strictSame(lines, [])
  t.strictSame(
    snapshot?.signingKeys.map((key) => key.reveal()),
    [ec, rsa].map((key) => key.export({ type: 'pkcs8', format: 'pem' })),
  )
})

test('a time before which there are no sessions is a time, in whatever zone', async (t) => {
  const config = `${GOOD_CONFIG}  not_before: 2026-03-01T01:00:00.5+01:00\n  max_per_user: 3\n`
  const { snapshot, lines } = await load(t, { ...GOOD, 'gatehouse.yaml': config })
  t.strictSame(lines, [])
  t.equal(snapshot?.config.session.not_before, Date.UTC(2026, 2, 1, 0, 0, 0, 500))
  t.equal(snapshot?.config.session.max_per_user, 3)
})

test("Pomerium's environment makes a config whole", async (t) => {
  const files = { ...GOOD, 'gatehouse.yaml': 'session: { store: sqlite:s.db }\n' }
  const env = {
    IDP_PROVIDER: 'okta',
    IDP_PROVIDER_URL: 'https://acme.okta.com',
    IDP_CLIENT_ID: '0oa1',
    IDP_CLIENT_SECRET: 's3cret',
    AUTHENTICATE_SERVICE_URL: 'https://auth.example.com',
    COOKIE_SECRET: Buffer.alloc(32, 1).toString('base64'),
    SHARED_SECRET: 'x',
  }
  const { snapshot, lines } = await load(t, files, { env })
  t.match(lines, [/^gatehouse\.yaml:1:1: warning: environment variable `SHARED_SECRET` is ignored/])
  t.match(snapshot?.config, {
    server: { public_url: 'https://auth.example.com' },
    providers: { okta: { issuer: 'https://acme.okta.com', client_id: '0oa1' } },
  })
  t.equal(snapshot?.config.providers['okta']?.client_secret?.reveal(), 's3cret')
})
