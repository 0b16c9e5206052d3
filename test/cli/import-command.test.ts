/** `gatehouse import` from the outside: what it prints and writes, and what it does with files that are not what it expects. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of a config

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { selfSigned } from '../support/self-signed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { runCommand } from './run-command.ts'

const SECRET = '5a'.repeat(32)
const FIXTURES = join(import.meta.dirname, '../config/import/fixtures')

const POMERIUM = `authenticate_service_url: https://auth.example.com
idp_provider: oidc
idp_provider_url: https://id.example.com
idp_client_id: gate
idp_client_secret: very-secret
insecure_server: true
routes:
  - from: https://app.example.com
    to: http://app:3000
    allowed_domains: [example.com]
`

function folder(t: Test, files: Readonly<Record<string, string>>) {
  const cwd = tempFolder(t, files)
  const run = (...args: readonly string[]) =>
    runCommand(args, { cwd, env: { GATEHOUSE_SECRET: SECRET, IDP_CLIENT_SECRET: 'x' } })
  return { cwd, run }
}

test('--help tells all of it', async (t) => {
  const { exitCode, stdout } = await runCommand(['import', '--help'])
  t.equal(exitCode, 0)
  for (const word of [
    'pomerium',
    'oauth2-proxy',
    '--out',
    '--force',
    '--alpha-config',
    'Exit code',
  ]) {
    t.match(stdout, word)
  }
})

test('without --out all is one YAML stream on stdout, the summary on stderr', async (t) => {
  const { run } = folder(t, { 'config.yaml': POMERIUM })
  const { exitCode, stdout, stderr } = await run('import', 'pomerium', 'config.yaml')
  t.equal(exitCode, 0)
  const documents = parseAllDocuments(stdout)
  t.equal(documents.length, 2)
  const [config, policies] = [...documents].map((document) => document.toJS())
  t.equal(config.server.public_url, 'https://auth.example.com')
  t.equal(policies.routes[0].from, 'https://app.example.com')
  t.match(stdout, /^# gatehouse\.yaml\n[\s\S]*^# policies\/app\.example\.com\.yaml\n/m)
  t.match(stderr, 'config.yaml:5:1: idp_client_secret: not copied: set it as IDP_CLIENT_SECRET')
  t.notMatch(stdout + stderr, 'very-secret')
})

test('with --out the files are there, and `gatehouse check` takes them', async (t) => {
  const { cwd, run } = folder(t, { 'config.yaml': POMERIUM })
  const imported = await run('import', 'pomerium', 'config.yaml', '--out', 'new')
  t.equal(imported.exitCode, 0)
  t.match(
    imported.stdout,
    /^wrote new\/gatehouse\.yaml\nwrote new\/policies\/app\.example\.com\.yaml\n/,
  )
  t.match(imported.stdout, 'Environment variables that the config refers to: IDP_CLIENT_SECRET')
  t.strictSame(readdirSync(join(cwd, 'new')).sort(), ['gatehouse.yaml', 'policies'])
  const checked = await run('check', '--config', 'new/gatehouse.yaml')
  t.equal(checked.exitCode, 0, checked.stderr)
  t.match(checked.stdout, '1 route')
})

const ALL_FIXTURES: readonly (readonly [string, readonly string[]])[] = [
  ['pomerium', ['pomerium-quickstart.yaml']],
  ['pomerium', ['pomerium-policies.yaml']],
  ['oauth2-proxy', ['oauth2-proxy.cfg']],
  ['oauth2-proxy', ['oauth2-alpha.yaml']],
  ['oauth2-proxy', ['oauth2-alpha.cfg', '--alpha-config', 'oauth2-alpha.yaml']],
]

for (const [kind, args] of ALL_FIXTURES) {
  test(`what ${args.join(' ')} becomes passes the check`, async (t) => {
    const cwd = tempFolder(t, {})
    const paths = args.map((arg) => (arg.startsWith('--') ? arg : join(FIXTURES, arg)))
    const imported = await runCommand(['import', kind, ...paths, '--out', cwd], { cwd })
    t.equal(imported.exitCode, 0, imported.stderr)
    const names = [...imported.stdout.matchAll(/\b([A-Z0-9_]{6,})\b/g)].map(
      ([, name]) => name ?? '',
    )
    const env = Object.fromEntries(names.map((name) => [name, SECRET]))
    const checked = await runCommand(['check'], { cwd, env })
    t.equal(checked.exitCode, 0, checked.stderr)
  })
}

test('nothing is overwritten unasked, and other policies count as something', async (t) => {
  const { cwd, run } = folder(t, {
    'config.yaml': POMERIUM,
    'one/gatehouse.yaml': 'mine',
    'two/policies/other.yaml': 'routes: []',
    'three/README.md': 'mine',
  })
  const first = await run('import', 'pomerium', 'config.yaml', '--out', 'one')
  t.equal(first.exitCode, 2)
  t.match(first.stderr, 'one/gatehouse.yaml is there already; choose another --out, or add --force')
  t.equal(readFileSync(join(cwd, 'one/gatehouse.yaml'), 'utf8'), 'mine')
  t.equal((await run('import', 'pomerium', 'config.yaml', '--out', 'two')).exitCode, 2)
  t.equal((await run('import', 'pomerium', 'config.yaml', '--out', 'three')).exitCode, 0)
  t.equal((await run('import', 'pomerium', 'config.yaml', '--out', 'one', '--force')).exitCode, 0)
  t.match(readFileSync(join(cwd, 'one/gatehouse.yaml'), 'utf8'), 'server:')
})

test('a folder that cannot be written to is one line', async (t) => {
  const { run } = folder(t, { 'config.yaml': POMERIUM, file: '' })
  const { exitCode, stderr } = await run('import', 'pomerium', 'config.yaml', '--out', 'file')
  t.equal(exitCode, 2)
  t.match(stderr, /^gatehouse: cannot write to file: [^\n]+\n$/)
})

test('files that exist where they will be looked for are kept', async (t) => {
  const { cert, key } = selfSigned(['auth.example.com', 'app.example.com'])
  const text = POMERIUM.replace(
    'insecure_server: true',
    'certificate_file: tls.crt\ncertificate_key_file: tls.key\nsigning_key_file: missing.pem',
  )
  const { cwd, run } = folder(t, {
    'config.yaml': text,
    'new/tls.crt': cert,
    'new/tls.key': key,
  })
  const now = Date.now
  const args = ['import', 'pomerium', 'config.yaml', '--out', 'new']
  const { exitCode, stdout } = await runCommand(args, { cwd, now })
  t.equal(exitCode, 0)
  const config = readFileSync(join(cwd, 'new/gatehouse.yaml'), 'utf8')
  t.match(config, /^ {4}- \{ cert: tls\.crt, key: tls\.key \}/m)
  t.match(config, '# signing_key: "${file:missing.pem}"')
  t.match(stdout, 'signing_key_file: cannot read `missing.pem`: no such file; kept as a comment')
  t.equal((await run('check', '--config', 'new/gatehouse.yaml')).exitCode, 0)
})

test('a wrong command line is exit 2', async (t) => {
  const { run } = folder(t, { 'config.yaml': POMERIUM })
  const wrong = [
    ['import'],
    ['import', 'pomerium'],
    ['import', 'traefik', 'config.yaml'],
    ['import', 'pomerium', 'config.yaml', '--alpha-config', 'config.yaml'],
    ['import', 'pomerium', 'missing.yaml'],
    ['import', 'oauth2-proxy', '.'],
    ['import', 'oauth2-proxy', 'config.yaml', '--alpha-config', 'missing.yaml'],
  ]
  for (const args of wrong) {
    const { exitCode, stdout, stderr } = await run(...args)
    t.equal(exitCode, 2, args.join(' '))
    t.equal(stdout, '')
    t.not(stderr, '')
  }
})

const deep = (open: string, close: string, levels: number) =>
  `a = ${open.repeat(levels)}1${close.repeat(levels)}`
const bomb = ['a: &a0 [x, x, x, x, x, x, x, x, x]']
for (let i = 1; i <= 12; i++)
  bomb.push(
    `k${i}: &a${i} [${Array(9)
      .fill(`*a${i - 1}`)
      .join(', ')}]`,
  )

/** Texts that are no config, and what is said of each. */
const HOSTILE: Readonly<Record<string, readonly [string, string, RegExp]>> = {
  'nothing at all': ['pomerium', '', /:1:1: the file is empty/],
  'an empty TOML file': ['oauth2-proxy', '# nothing\n', /:1:1: the file is empty/],
  'a list': ['pomerium', '- a\n- b\n', /:1:1: the file is no mapping/],
  'a lone word': ['pomerium', 'hello', /:1:1: the file is no mapping/],
  'broken YAML': ['pomerium', 'a: [1, 2\nb: 3\n', /:\d+:\d+: /],
  'broken TOML': ['oauth2-proxy', 'a = 1\nclient_secret = "hush\n', /:2:\d+: not TOML: /],
  'a key twice': ['oauth2-proxy', 'a = 1\na = 2\n', /:2:\d+: not TOML: /],
  'a NUL': ['pomerium', 'a: "\0"\n', /control character U\+0000/],
  'a NUL in TOML': ['oauth2-proxy', 'a = "\0"\n', /control character U\+0000/],
  '10 MB': ['pomerium', `a: ${'x'.repeat(10_000_000)}\n`, /larger than 8 MiB/],
  '10 MB of TOML': ['oauth2-proxy', `a = "${'x'.repeat(10_000_000)}"\n`, /larger than 8 MiB/],
  '10,000 levels': ['pomerium', `a: ${'['.repeat(10_000)}`, /nested more than 100 levels/],
  '10,000 levels of TOML': ['oauth2-proxy', deep('[', ']', 10_000), /nested more than 100 levels/],
  '900 levels of TOML': ['oauth2-proxy', deep('[', ']', 900), /not TOML/],
  'a million lines': ['oauth2-proxy', '#\n'.repeat(1_000_000), /more than 500000 lines/],
  'an alias bomb': ['pomerium', `${bomb.join('\n')}\n`, /alias/],
  'two documents': ['pomerium', 'a: 1\n---\nb: 2\n', /a second YAML document/],
}

for (const [what, [kind, text, message]] of Object.entries(HOSTILE)) {
  test(`${what} is refused in one line, soon`, async (t) => {
    const name = kind === 'pomerium' ? 'config.yaml' : 'o.cfg'
    const { run } = folder(t, { [name]: text })
    const begun = Date.now()
    const { exitCode, stdout, stderr } = await run('import', kind, name)
    t.equal(exitCode, 2)
    t.equal(stdout, '')
    t.match(stderr, message)
    t.equal(stderr.split('\n').length, 2)
    t.notMatch(stderr, 'hush')
    t.ok(Date.now() - begun < 5_000)
  })
}

test('bytes that are no text, and pipes, are refused and never waited for', async (t) => {
  const { cwd, run } = folder(t, {})
  execFileSync('mkfifo', [join(cwd, 'pipe.yaml')])
  execFileSync('sh', ['-c', 'printf "a: \\377\\n" > latin.yaml'], { cwd })
  t.match((await run('import', 'pomerium', 'pipe.yaml')).stderr, 'it is no regular file')
  t.match((await run('import', 'pomerium', 'latin.yaml')).stderr, 'it is not UTF-8')
})

/** Values of every kind where another is expected: noted, never a fault. */
const ODD: readonly string[] = [
  'null',
  '7',
  'true',
  '[]',
  '{}',
  '[[1]]',
  '{ a: { b: [1] } }',
  '""',
  '-1.5',
]
const KEYS = [
  'address',
  'authenticate_service_url',
  'idp_provider',
  'idp_provider_url',
  'idp_client_secret',
  'idp_scopes',
  'cookie_expire',
  'certificates',
  'jwt_claims_headers',
  'downstream_mtls',
  'set_response_headers',
  'routes',
  'routes: [ { from: "https://a.example.com", to: "http://a", policy',
  'routes: [ { from: "https://a.example.com", to',
  'routes: [ { to: "http://a", from',
  'routes: [ { from: "https://a.example.com", redirect',
  'routes: [ { from: "https://a.example.com", health_checks',
  'routes: [ { from: "https://a.example.com", allowed_idp_claims',
  'routes: [ { from: "https://a.example.com", set_request_headers',
]

test('odd types are noted, and what is left passes the check', async (t) => {
  for (const key of KEYS) {
    for (const value of ODD) {
      const text = `"": 1\n${key}: ${value}${key.includes('[') ? ' } ]' : ''}\n`
      const { cwd, run } = folder(t, { 'config.yaml': text })
      const { exitCode, stderr } = await run('import', 'pomerium', 'config.yaml', '--out', 'new')
      t.equal(exitCode, 0, `${text} ${stderr}`)
      const env = { GATEHOUSE_SECRET: SECRET, IDP_CLIENT_SECRET: 'x' }
      const checked = await runCommand(['check', '--config', 'new/gatehouse.yaml'], { cwd, env })
      t.equal(checked.exitCode, 0, `${text} ${checked.stderr}`)
    }
  }
})
