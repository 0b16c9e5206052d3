/** `gatehouse init`: five answers, and everything is there to start with. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { freePort } from '../support/free-port.ts'
import { signIn } from '../support/sign-in.ts'
import { startOkta } from '../support/start-okta.ts'
import { until } from '../support/start-redis.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { runCommand } from './run-command.ts'

const FLAGS = [
  '--no-doctor',
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
  t.match(stdout, '$ gatehouse check\ngatehouse.yaml: good; 1 route, 0 warnings\n')
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
    '--no-doctor',
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

test('a provider and an app that cannot be reached are told, and undo nothing', async (t) => {
  const cwd = tempFolder(t)
  const [issuer, to] = await Promise.all(
    [1, 2].map(async () => `http://127.0.0.1:${await freePort()}`),
  )
  const flags = [
    `--issuer=${issuer}`,
    `--to=${to}`,
    `--public-url=http://localhost:${await freePort()}`,
  ]
  const { exitCode, stdout } = await runCommand(
    ['init', '--client-id=a', '--client-secret=b', ...flags],
    { cwd },
  )
  t.equal(exitCode, 0)
  t.match(stdout, /error {4}provider sso: .* cannot be reached/)
  t.match(stdout, /Left to do:\n {2}1\. At the provider, .* register\n/)
  t.match(stdout, / {2}\d\. Mend the network or `issuer`/)
  t.match(stdout, / {2}\d\. Start the app, or mend host and port in `to`/)
  t.match(stdout, / {2}\d\. Start it:\n +set -a; \. \.\/\.env; set \+a; gatehouse serve\n/)
  t.ok(existsSync(join(cwd, 'gatehouse.yaml')))
})

test('from nothing to a signed-in page with an Okta organisation: init, and the line that it prints', async (t) => {
  const cwd = tempFolder(t)
  const port = await freePort()
  const publicUrl = `http://localhost:${port}`
  const okta = await startOkta(t, { publicUrl })
  const app = await startUpstream(t)
  const gatehouse = `"${process.execPath}" "${join(import.meta.dirname, '../../src/main.ts')}"`
  const shell = (line: string) =>
    spawn('sh', ['-c', line.replace(/\bgatehouse (?=init|serve)/, `exec ${gatehouse} `)], {
      cwd,
      env: { PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const init = shell(
    `gatehouse init --public-url=${publicUrl} --issuer=${okta.issuer} --client-id=${okta.app.clientId} --client-secret=${okta.app.clientSecret} --to=${app.origin}`,
  )
  const said = await text(init.stdout)
  t.match(said, /ok {7}provider sso: it takes our credentials/)
  t.match(said, 'ok       upstream')
  t.match(said, /\n0 errors, \d warnings?\n/)
  t.match(said, /Left to do:\n {2}1\. .* register for sign-out:\n/, 'the other one is known there')
  const [, line = ''] = /Start it:\n +(.*)\n/.exec(said) ?? []
  const [, page = ''] = /Open (\S+) and sign in/.exec(said) ?? []
  // The one thing that is changed: the default port of the admin listener may be another gateway's.
  const configFile = join(cwd, 'gatehouse.yaml')
  const written = readFileSync(configFile, 'utf8')
  writeFileSync(configFile, written.replace('server:\n', 'server:\n  admin_listen: 127.0.0.1:0\n'))

  const serve = shell(line)
  let log = ''
  serve.stderr.setEncoding('utf8').on('data', (more: string) => {
    log += more
  })
  serve.stdout.resume()
  const ended = once(serve, 'close')
  t.teardown(async () => {
    serve.kill()
    await ended
  })
  await until(async () => log.includes('"ready"') || serve.exitCode !== null)
  const answer = await signIn(createBrowserClient(port), page, 'ana')
  t.equal(answer.status, 200, log)
  t.match(app.last.headers, { 'x-forwarded-email': 'ana@example.com' })
})

test('nothing is overwritten unless that is said', async (t) => {
  const cwd = tempFolder(t)
  t.equal((await runCommand(['init', ...FLAGS], { cwd })).exitCode, 0)
  const before = readFileSync(join(cwd, '.env'), 'utf8')
  t.match(await runCommand(['init', ...FLAGS], { cwd }), {
    exitCode: 2,
    stderr: /gatehouse\.yaml, policies\/app\.yaml.* would be overwritten/,
  })
  t.match(await runCommand(['init'], { cwd }), { stderr: /would be overwritten/ }, 'before it asks')
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
  const result = runCommand(['init', '--no-doctor'], {
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
