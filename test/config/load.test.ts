/** A good config becomes a snapshot with everything resolved. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config is written with these

import { readFile as readWhole, rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { loadSnapshot } from '../../src/config/load.ts'
import { Secret } from '../../src/support/secret.ts'
import { GOOD, GOOD_CONFIG, GOOD_POLICY, load, SECRET } from './config-folder.ts'

test('a short config gets its defaults, in the form that the program uses', async (t) => {
  const { snapshot, lines } = await load(t, GOOD)
  t.strictSame(lines, [])
  t.match(snapshot, {
    loadedAt: 1_772_442_000_000,
    listen: { host: '127.0.0.1', port: 8080 },
    adminListen: { host: '127.0.0.1', port: 9901 },
    tls: [],
    signingKeys: [],
    logo: undefined,
    sessionSecretIsMade: false,
    config: {
      server: { drain_timeout: 30_000, trusted_proxies: [], allow_http: false },
      providers: { okta: { redirect_path: '/oauth2/callback', groups_claim: 'groups' } },
      session: { lifetime: 50_400_000, idle: 3_600_000 },
      identity_headers: { groups: 'named', headers: { 'X-Forwarded-User': 'sub' } },
      logging: { level: 'info', decisions: 'stdout' },
      brand: {},
    },
  })
  t.match(snapshot?.revision, /^[0-9a-f]{12}$/)
  t.strictSame(
    snapshot?.table.routes.map((route) => route.name),
    ['app'],
  )
})

test('a variable without braces is a text, and most likely a mistake', async (t) => {
  const config = `${GOOD_CONFIG}brand: { name: $COMPANY, contact: "5 $, please" }\n`
  const { snapshot, lines } = await load(t, { ...GOOD, 'gatehouse.yaml': config })
  t.equal(snapshot?.config.brand.name, '$COMPANY')
  t.match(lines, [/warning: this text is taken as it stands; .* with braces$/])
})

test('paths start at the folder of the config', async (t) => {
  const config = `${GOOD_CONFIG}logging: { decisions: logs/decisions.log }\n`
  const { snapshot, folder } = await load(t, { ...GOOD, 'gatehouse.yaml': config })
  t.strictSame(snapshot?.store, { kind: 'sqlite', file: join(folder, 'sessions.db') })
  t.equal(snapshot?.config.logging.decisions, join(folder, 'logs/decisions.log'))
  t.strictSame(snapshot?.config.policies, [join(folder, 'policies')])
})

test('secrets are values that do not print, and bytes where they are keys', async (t) => {
  const { snapshot } = await load(t, GOOD)
  const [secret] = snapshot?.config.session.secret ?? []
  t.ok(secret instanceof Secret)
  t.notMatch(JSON.stringify(snapshot?.config), SECRET)
  t.strictSame(
    snapshot?.sessionSecrets.map((bytes) => Buffer.from(bytes).toString('hex')),
    [SECRET],
  )
})

test('a secret in base64, base64url or hex gives the same bytes', async (t) => {
  const bytes = Buffer.from(SECRET, 'hex')
  for (const encoding of ['base64', 'base64url', 'hex'] as const) {
    const written = bytes.toString(encoding)
    const config = GOOD_CONFIG.replace(SECRET, `["${written}", "${SECRET.replace('00', 'ff')}"]`)
    const { snapshot } = await load(t, { ...GOOD, 'gatehouse.yaml': config })
    t.strictSame(Buffer.from(snapshot?.sessionSecrets[0] ?? []), bytes, encoding)
    t.equal(snapshot?.sessionSecrets.length, 2)
  }
})

test('with memory and without a secret one is made, and lives on over a reload', async (t) => {
  const config = GOOD_CONFIG.replace(/session:[\s\S]*/, '')
  const files = { ...GOOD, 'gatehouse.yaml': config }
  const { snapshot, lines, folder } = await load(t, files)
  t.match(lines, [
    /^gatehouse.yaml:1:1: warning: with `store: memory:` everybody signs in again after a restart/,
    /^gatehouse.yaml:1:1: warning: without `session.secret` one is made at each start/,
  ])
  t.equal(snapshot?.sessionSecretIsMade, true)
  t.equal(snapshot?.sessionSecrets[0]?.length, 32)
  const again = await load(t, files, {
    previous: snapshot,
    configFile: join(folder, 'gatehouse.yaml'),
  })
  t.strictSame(again.snapshot?.sessionSecrets, snapshot?.sessionSecrets)
  t.equal(again.snapshot?.revision, snapshot?.revision)
})

test('the public URL is kept as an origin', async (t) => {
  const config = GOOD_CONFIG.replace('https://auth.example.com', 'https://AUTH.example.com:443/')
  const { snapshot } = await load(t, { ...GOOD, 'gatehouse.yaml': config })
  t.equal(snapshot?.config.server.public_url, 'https://auth.example.com')
})

test('the revision changes with what is read, and with nothing else', async (t) => {
  const revisionOf = async (files: Parameters<typeof load>[1], env = {}) =>
    (await load(t, files, { env })).snapshot?.revision
  const first = await revisionOf(GOOD)
  t.equal(await revisionOf(GOOD, { UNUSED: 'x' }), first)
  const policies = { 'app.yaml': `${GOOD_POLICY}# seen\n` }
  t.not(await revisionOf({ ...GOOD, policies }), first, 'a policy')
  t.not(await revisionOf({ ...GOOD, 'gatehouse.yaml': `${GOOD_CONFIG}# seen\n` }), first, 'config')
  const withVariable = {
    ...GOOD,
    'gatehouse.yaml': GOOD_CONFIG.replace('0oa1', '"${CLIENT}"'),
  }
  const one = await revisionOf(withVariable, { CLIENT: 'one' })
  t.equal(await revisionOf(withVariable, { CLIENT: 'one' }), one)
  t.not(await revisionOf(withVariable, { CLIENT: 'two' }), one, 'a variable')
})

test("policies may be named in place of the config's", async (t) => {
  const other = GOOD_POLICY.replace('name: app', 'name: other')
  const files = { ...GOOD, 'other.yaml': other }
  const { snapshot } = await load(t, files, { policies: [join(t.testdirName, 'other.yaml')] })
  t.strictSame(
    snapshot?.table.routes.map((route) => route.name),
    ['other'],
  )
})

test('files may be read from elsewhere', async (t) => {
  const readFile = async (path: string) =>
    Buffer.from(path.endsWith('gatehouse.yaml') ? GOOD_CONFIG : GOOD_POLICY)
  const { snapshot } = await load(t, { policies: { 'app.yaml': 'never read' } }, { readFile })
  t.equal(snapshot?.table.routes.length, 1)
})

test('files that are swapped while they are read are read again, so that no mixture goes live', async (t) => {
  const policy = (version: string, name: string) =>
    GOOD_POLICY.replace('name: app', `name: ${version}-${name}`).replace('app.', `${name}.`)
  const version = (name: string) => ({ 'a.yaml': policy(name, 'a'), 'b.yaml': policy(name, 'b') })
  const folder = t.testdir({ 'gatehouse.yaml': GOOD_CONFIG, v1: version('v1'), v2: version('v2') })
  await symlink('v1', join(folder, 'policies'))
  let isSwapped = false
  const readFile = async (path: string) => {
    const content = await readWhole(path)
    if (path.endsWith('a.yaml') && !isSwapped) {
      isSwapped = true
      await symlink('v2', join(folder, 'next'))
      await rename(join(folder, 'next'), join(folder, 'policies'))
    }
    return content
  }
  const { snapshot } = await loadSnapshot({
    configFile: join(folder, 'gatehouse.yaml'),
    env: {},
    now: Date.now,
    readFile,
  })
  t.strictSame(snapshot?.table.routes.map((route) => route.name).sort(), ['v2-a', 'v2-b'])
})
