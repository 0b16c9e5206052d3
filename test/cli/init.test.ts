/** `gatehouse init`: five answers, and everything is there to start with. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'tap'
import { tempFolder } from '../support/temp-folder.ts'
import { runCommand } from './run-command.ts'

const FLAGS = [
  '--public-url=http://localhost:8080',
  '--issuer=https://acme.okta.com',
  '--client-id=0oa1example',
  '--client-secret=hush $1',
  '--to=http://127.0.0.1:3000',
]

/** What a shell has after `set -a; . ./.env`. */
function environmentOf(folder: string): Record<string, string> {
  const lines = readFileSync(join(folder, '.env'), 'utf8').split('\n')
  const pairs = lines.filter((line) => /^[A-Z]/.test(line)).map((line) => line.split(/=(.*)/s))
  return Object.fromEntries(
    pairs.map(([name = '', value = '']) => [name, value.replace(/^'|'$/g, '')]),
  )
}

test('flags alone: what is written passes check and its own tests, and holds no secret', async (t) => {
  const cwd = tempFolder(t)
  const { exitCode, stdout } = await runCommand(['init', ...FLAGS], { cwd })
  t.equal(exitCode, 0)
  t.match(stdout, 'http://localhost:8080/oauth2/callback')
  t.match(stdout, 'http://app.localhost:8080/')
  const env = environmentOf(cwd)
  t.equal(env['OKTA_CLIENT_SECRET'], 'hush $1')
  t.equal(Buffer.from(env['GATEHOUSE_SECRET'] ?? '', 'base64').length, 32)
  t.equal(statSync(join(cwd, '.env')).mode & 0o777, 0o600)
  t.notMatch(readFileSync(join(cwd, 'gatehouse.yaml'), 'utf8'), 'hush')
  t.match(await runCommand(['check'], { cwd, env }), {
    exitCode: 0,
    stdout: /good; 1 route, 0 warnings/,
  })
  t.match(await runCommand(['test', '--coverage-min', '100'], { cwd, env }), {
    exitCode: 0,
    stdout: /3 passed, 0 failed, 0 errors; routes 1\/1, rules 1\/1/,
  })
})

test('an https gateway, a group, a public client, another folder', async (t) => {
  const cwd = tempFolder(t)
  const flags = [
    '--dir=site',
    '--public-url=https://auth.example.com',
    '--issuer=https://id.example.com',
    '--client-id=web',
    '--public-client',
    '--to=http://grafana:3000',
    '--from=https://grafana.example.com',
    '--group=platform engineers',
  ]
  t.match(await runCommand(['init', ...flags], { cwd }), { exitCode: 0, stdout: /cd site; set -a/ })
  const folder = join(cwd, 'site')
  const env = environmentOf(folder)
  t.strictSame(Object.keys(env), ['GATEHOUSE_SECRET'])
  t.match(await runCommand(['check'], { cwd: folder, env }), { exitCode: 0 })
  t.match(await runCommand(['test', '--coverage-min', '100'], { cwd: folder, env }), {
    exitCode: 0,
  })
})

const WRONG: Readonly<Record<string, readonly [string, RegExp]>> = {
  'a public URL with a path': ['--public-url=http://localhost:8080/x', /is no origin/],
  'an issuer that is none': ['--issuer=acme', /gatehouse\.yaml:\d+:\d+: /],
  'an app that is no URL': ['--to=grafana', /policies\/app\.yaml:4:9: `to` is the URL/],
  'a provider that has a reserved name': ['--provider=local', /reserved/],
  'plain http beyond loopback': ['--public-url=http://auth.example.com', /allow_http/],
}

for (const [name, [flag, says]] of Object.entries(WRONG)) {
  test(`${name} writes nothing and says why`, async (t) => {
    const cwd = tempFolder(t)
    const { exitCode, stderr } = await runCommand(['init', ...FLAGS, flag], { cwd })
    t.equal(exitCode, 2)
    t.match(stderr, says)
    t.strictSame(readdirSync(cwd), [])
  })
}

test('nothing is overwritten unless that is said', async (t) => {
  const cwd = tempFolder(t)
  t.equal((await runCommand(['init', ...FLAGS], { cwd })).exitCode, 0)
  const before = readFileSync(join(cwd, '.env'), 'utf8')
  t.match(await runCommand(['init', ...FLAGS], { cwd }), {
    exitCode: 2,
    stderr: /gatehouse\.yaml, policies\/app\.yaml.* would be overwritten/,
  })
  t.equal(readFileSync(join(cwd, '.env'), 'utf8'), before)
  t.equal((await runCommand(['init', ...FLAGS, '--force'], { cwd })).exitCode, 0)
  t.not(readFileSync(join(cwd, '.env'), 'utf8'), before)
})

test('without a terminal it says which flags are missing', async (t) => {
  const { exitCode, stderr } = await runCommand(['init', '--client-id=a'], { cwd: tempFolder(t) })
  t.equal(exitCode, 2)
  t.match(stderr, '--public-url, --issuer, --client-secret or --public-client, --to')
})

test('at a terminal it asks, takes defaults, and never shows the secret', async (t) => {
  const cwd = tempFolder(t)
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  let shown = ''
  const answers = new Map([
    ['reach Gatehouse', ''],
    ['Issuer', 'https://acme.okta.com'],
    ['Client id', '0oa1'],
    ['Client secret', 'very secret'],
    ['app to protect', ''],
  ])
  const result = runCommand(['init'], {
    cwd,
    stdin,
    stderr: (text) => {
      shown += text
      // Each answer is typed once its question stands there.
      for (const [question, answer] of answers) {
        if (!text.includes(question)) continue
        answers.delete(question)
        setImmediate(() => stdin.write(`${answer}\n`))
      }
    },
  })
  t.equal((await result).exitCode, 0)
  t.match(shown, 'http://localhost:8080')
  t.notMatch(shown, 'very secret')
  t.equal(environmentOf(cwd)['OKTA_CLIENT_SECRET'], 'very secret')
})

test('answers that end in the middle write nothing', async (t) => {
  const cwd = tempFolder(t)
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  stdin.end('\nhttps://acme.okta.com\n')
  t.match(await runCommand(['init'], { cwd, stdin }), { exitCode: 2, stderr: /answers ended/ })
  t.notOk(existsSync(join(cwd, 'gatehouse.yaml')))
})
