/** The pages: links lead somewhere, commands are there, samples are what they seem. YAML is judged in test/config/samples.test.ts. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { type Schema, Validator } from '@cfworker/json-schema'
import { type Test, test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { startGateway } from '../src/app.ts'
import { isMapping } from '../src/support/mapping.ts'
import { runCommand } from './cli/run-command.ts'
import { type BrowserClient, createBrowserClient } from './support/browser-client.ts'
import {
  commandsOf,
  gatehouseArguments,
  npmScript,
  understand,
  wrongMention,
  wrongScript,
} from './support/doc-commands.ts'
import { parsed, wrongJson } from './support/doc-json.ts'
import { type Block, type DocPage, docPages, ROOT } from './support/doc-pages.ts'
import { freePort } from './support/free-port.ts'
import { signIn } from './support/sign-in.ts'
import { readLines } from './support/start-gateway.ts'
import { startOkta } from './support/start-okta.ts'
import { startUpstream } from './support/start-upstream.ts'
import { tempFolder, writeFiles } from './support/temp-folder.ts'

const pages = docPages()
const byPath = new Map(pages.map((page) => [page.path, page]))
const blocks = pages.flatMap((page) => page.blocks)
const written = (...languages: readonly string[]): readonly Block[] =>
  blocks.filter(({ language }) => languages.includes(language.split(' ')[0] ?? ''))

/** What is wrong with where a link leads; `undefined` where nothing is. */
function wrongLink(page: DocPage, target: string): string | undefined {
  if (/^(https?|mailto):/.test(target)) {
    return URL.canParse(target) && !/[<>]/.test(target) ? undefined : 'is no URL'
  }
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? page.path : relative(ROOT, join(ROOT, dirname(page.path), file))
  if (path.startsWith('..')) return 'leads out of the project'
  if (!existsSync(join(ROOT, path))) return `leads to ${path}, which is not there`
  if (anchor === undefined) return undefined
  const anchors = byPath.get(path)?.anchors
  return anchors?.has(anchor) ? undefined : `leads to a heading that ${path} does not have`
}

test('links lead to files and headings that are there', async (t) => {
  const wrong = pages.flatMap((page) =>
    page.links.flatMap(({ at, text }) => {
      const why = wrongLink(page, text)
      return why === undefined ? [] : [`${at}: \`${text}\` ${why}`]
    }),
  )
  t.strictSame(wrong, [])
  const count = pages.reduce((sum, { links }) => sum + links.length, 0)
  t.ok(count > 80, `${count} links`)
})

/** Of `policies/` the pages show files of their readers. */
const PATH = /(?:^|[\s`(])((?:docs|src|test|scripts|helm)\/[\w./-]*\w)/g

test('files of the project that are named without a link are there too', async (t) => {
  for (const { path } of pages) {
    const text = readFileSync(join(ROOT, path), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '')
    for (const [, name = ''] of text.matchAll(PATH)) {
      t.ok(existsSync(join(ROOT, name)) || isFolderOfTests(name), `${path} speaks of ${name}`)
    }
  }
})

/** As in `test/x/y.test.ts`. */
function isFolderOfTests(name: string): boolean {
  return name.startsWith('test/x/')
}

test('every page of docs/ is in its index, and the front page leads there', async (t) => {
  const linked = new Set(byPath.get('docs/README.md')?.links.map(({ text }) => text.split('#')[0]))
  const missing = [...byPath.keys()]
    .filter((path) => /^docs\/[^/]+\.md$/.test(path) && path !== 'docs/README.md')
    .filter((path) => !linked.has(path.slice('docs/'.length)))
  t.strictSame(missing, [])
  t.ok(byPath.get('README.md')?.links.some(({ text }) => text === 'docs/README.md'))
  t.ok(readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n').length <= 201, 'at most 200 lines')
})

const shell = written('sh', 'bash', 'shell').flatMap(({ at, text }) =>
  commandsOf(text).map((words) => ({ at, words })),
)

test('commands in blocks of shell are understood by the program', async (t) => {
  let understood = 0
  for (const { at, words } of shell) {
    const args = gatehouseArguments(words)
    if (args === undefined) continue
    understood++
    const { exitCode, stderr } = await understand(args)
    t.equal(exitCode, 0, `${at}: ${words.join(' ')}\n${stderr}`)
  }
  t.ok(understood > 30, `${understood} commands`)
})

test('files of the project that commands name are there', async (t) => {
  const named = shell.flatMap(({ at, words }) =>
    words
      .filter((word) => /^(\.\/)?(helm|scripts|docs|test)(\/|$)/.test(word))
      .map((word) => ({ at, word })),
  )
  // The first word may be a program of that name.
  for (const { at, word } of named) {
    if (!/^(helm|test)$/.test(word)) t.ok(existsSync(join(ROOT, word)), `${at}: ${word}`)
  }
  t.ok(named.length > 3)
})

test('scripts that are called are those of package.json', async (t) => {
  for (const { at, words } of shell) {
    const script = npmScript(words)
    if (script !== undefined) t.equal(wrongScript(script), undefined, `${at}: ${words.join(' ')}`)
  }
})

test('commands that sentences speak of are there, and so are their options', async (t) => {
  let mentions = 0
  for (const { at, text } of pages.flatMap(({ spans }) => spans)) {
    const words = text.split(/\s+/)
    const args = words.length > 1 ? gatehouseArguments(words) : undefined
    const script = npmScript(words)
    if (args !== undefined) t.equal(wrongMention(args), undefined, `${at}: ${text}`)
    if (script !== undefined) t.equal(wrongScript(script), undefined, `${at}: ${text}`)
    if (args !== undefined || script !== undefined) mentions++
  }
  t.ok(mentions > 40, `${mentions} mentions`)
})

/** They need nothing but the project's own files, and change nothing. */
const HARMLESS = ['check', 'test', 'explain', 'who-can', 'schema', 'keygen']
const OF_THE_PROJECT = /^(README|policies\/README)\.md:/

for (const { at, words } of shell.filter((command) => OF_THE_PROJECT.test(command.at))) {
  const args = gatehouseArguments(words)
  if (args === undefined || !HARMLESS.includes(args[0] ?? '')) continue
  test(`${at} runs: gatehouse ${args.join(' ')}`, async (t) => {
    const { exitCode, stdout, stderr } = await runCommand(args, { cwd: ROOT, now: Date.now })
    t.equal(exitCode, 0, stderr)
    t.not(stdout, '')
  })
}

const values: Schema = JSON.parse(readFileSync(join(ROOT, 'helm/values.schema.json'), 'utf8'))
const valuesSchema = new Validator(values, '2020-12', false)

/** `policies` as a mapping is the chart's; it is never so in a config, and a list of rules in a policy file. */
function isValuesOfChart(value: Readonly<Record<string, unknown>>): boolean {
  const { policies } = value
  const isChart = 'mode' in value || (isMapping(policies) && 'git' in policies)
  return isChart && Object.keys(value).every((key) => Object.hasOwn(values.properties ?? {}, key))
}

test('what is called YAML is YAML, the chart takes its values, and Kubernetes’ objects have their marks', async (t) => {
  for (const { at, text } of written('yaml', 'yml')) {
    for (const document of parseAllDocuments(text)) {
      t.strictSame([...document.errors, ...document.warnings].map(String), [], at)
      const value: unknown = document.toJS()
      if (isMapping(value) && isValuesOfChart(value)) {
        t.strictSame(valuesSchema.validate(value).errors, [], at)
      } else if (isMapping(value) && 'apiVersion' in value) {
        t.type(value['kind'], 'string', at)
        t.ok(isMapping(value['metadata']) || value['kind'] === 'List', at)
      }
    }
  }
})

test('samples of JSON are JSON, with the keys that the code writes', async (t) => {
  for (const { at, text } of written('json')) {
    const values = parsed(text)
    t.not(values, undefined, `${at} is no JSON, and no lines of it`)
    for (const value of values ?? []) t.equal(wrongJson(value), undefined, at)
  }
})

test('samples of JavaScript and TypeScript can be read', async (t) => {
  for (const { at, text } of written('js', 'ts')) {
    t.doesNotThrow(() => stripTypeScriptTypes(text), at)
  }
})

/** `family{label="x"}`, and families that are only named; what begins with `$` is a variable of nginx. */
const METRIC = /(?<!\$)\bgatehouse_[a-z_]+[a-z](?:\{[^}]*\})?/g

test('metrics that pages speak of are counted', async (t) => {
  const counted = ['metrics', 'request-counts', 'summed-metrics']
    .map((name) => readFileSync(join(ROOT, `src/admin/${name}.ts`), 'utf8'))
    .join('\n')
  for (const { at, text } of pages.flatMap(({ spans }) => spans)) {
    for (const [found] of text.matchAll(METRIC)) {
      const family = found.replace(/\{.*/, '')
      // The families of lost lines are named by the log.
      const isThere = counted.includes(`'${family}'`) || /_log_lost_lines$/.test(family)
      t.ok(isThere, `${at}: ${found}`)
    }
  }
})

const operation = byPath.get('docs/operation.md')

test('the page for whoever is called at night knows every alert', async (t) => {
  const rules = readFileSync(join(ROOT, 'helm/alerts/gatehouse.yaml'), 'utf8')
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)
  t.ok(alerts.length > 10)
  t.strictSame(
    alerts.filter((name) => !operation?.anchors.has(name.toLowerCase())),
    [],
  )
})

test('what it says that the log says stands in the code', async (t) => {
  const code = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
    .join('\n')
  const page = readFileSync(join(ROOT, 'docs/operation.md'), 'utf8')
  const table = page.slice(page.indexOf('## What the log says'), page.indexOf('## Backup'))
  const messages = [...table.matchAll(/^\| `(.+?)` \|/gm)].map(([, message = '']) => message)
  t.ok(messages.length > 20)
  t.strictSame(
    messages.filter((message) => !code.includes(message)),
    [],
  )
})

/** What a shell has after `set -a; . ./.env`. */
function environmentOf(folder: string): Record<string, string> {
  const lines = readFileSync(join(folder, '.env'), 'utf8').matchAll(/^([A-Z_]+)=(.*)$/gm)
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]))
}

type CallerOf = (request: IncomingMessage) => Promise<Record<string, unknown>>

/** The sample for Node.js, for an app of this gateway. */
async function sampleOfNode(t: Test, publicUrl: string, origin: string): Promise<CallerOf> {
  const [sample] = written('js').filter(({ text }) =>
    text.includes('export async function callerOf'),
  )
  const text = sample?.text
    .replaceAll('https://auth.example.com', publicUrl)
    .replaceAll('https://grafana.example.com', origin)
  const folder = t.testdir({ 'sample.mjs': text ?? '' })
  return ((await import(join(folder, 'sample.mjs'))) as { readonly callerOf: CallerOf }).callerOf
}

test('the quick start leads to a signed-in page, and the app can verify who it is', async (t) => {
  const port = await freePort()
  const publicUrl = `http://localhost:${port}`
  const okta = await startOkta(t, { publicUrl })
  const upstream = await startUpstream(t)
  const guide = shell.filter(({ at }) => at.startsWith('docs/quick-start.md:'))
  const [init = []] = guide.flatMap(({ words }) => {
    const args = gatehouseArguments(words)
    return args?.[0] === 'init' && args.length > 1 ? [args] : []
  })
  const change: readonly (readonly [string, string])[] = [
    ['http://localhost:8080', publicUrl],
    ['http://127.0.0.1:8400', okta.org],
    ['$OKTA_CLIENT_SECRET', okta.app.clientSecret],
    ['http://127.0.0.1:3000', upstream.origin],
  ]
  const args = init.map((word) => change.find(([from]) => from === word)?.[1] ?? word)
  const cwd = tempFolder(t)
  t.match(await runCommand(args, { cwd, now: Date.now }), { exitCode: 0 })

  // Free ports, and a log beside it: the rest is as the guide has it.
  const configFile = join(cwd, 'gatehouse.yaml')
  const config = readFileSync(configFile, 'utf8')
    .replace('server:\n', 'server:\n  admin_listen: 127.0.0.1:0\n')
    .concat('logging: { level: error, decisions: decisions.log, audit: audit.log }\n')
  writeFiles(cwd, { 'gatehouse.yaml': config })
  const env = environmentOf(cwd)
  for (const command of ['check', 'test', 'doctor']) {
    const { exitCode, stdout, stderr } = await runCommand([command], { cwd, env, now: Date.now })
    t.equal(exitCode, 0, `${command}: ${stdout}${stderr}`)
  }

  const gateway = await startGateway({ configFile, env, now: Date.now })
  t.teardown(() => gateway.stop())
  const app = `http://app.localhost:${port}`
  const browser = createBrowserClient(port)
  t.match(await signIn(browser, `${app}/`, 'ana'), { status: 200, url: `${app}/` })
  const user = await browser.send(`${app}/.gatehouse/user`)
  t.strictSame(Object.keys(user.json()), Object.keys(sampleOfJson('signed_in_at')))

  const callerOf = await sampleOfNode(t, publicUrl, app)
  const assertion = upstream.requests.at(-1)?.header('x-gatehouse-jwt-assertion')[0] ?? ''
  const ask = (text: string) =>
    callerOf({ headers: { 'x-gatehouse-jwt-assertion': text } } as unknown as IncomingMessage)
  t.match(await ask(assertion), { email: 'ana@example.com', aud: app, iss: publicUrl })
  await t.rejects(ask(`${assertion.slice(0, -4)}AAAA`))
  await t.rejects(ask(''))

  const script = createBrowserClient(port)
  const leadsTo = await whereApiLeads(script, `${app}/list?x=1#there`)
  t.equal((await signIn(script, leadsTo, 'ben')).url, `${app}/list?x=1#there`)

  await gateway.stop()
  const line = readLines(join(cwd, 'decisions.log')).find(({ outcome }) => outcome === 'allow')
  t.strictSame(Object.keys(line ?? {}), Object.keys(sampleOfJson('policy_revision')))
})

/** The sample of JSON that has this key. */
function sampleOfJson(key: string): object {
  const values = written('json').flatMap(({ text }) => parsed(text) ?? [])
  return values.filter(isMapping).find((value) => key in value) ?? {}
}

/** Where the sample of the page on single-page apps sends a browser whose script was told to sign in. */
function whereApiLeads(browser: BrowserClient, href: string): Promise<string> {
  const [sample] = written('js').filter(({ text }) => text.includes('async function api('))
  const fetchAs = async (path: string) => {
    const headers = { 'sec-fetch-mode': 'cors', accept: '*/*' }
    const { status, body } = await browser.send(new URL(path, href).href, { headers })
    return new Response(body, { status })
  }
  return new Promise((resolve) => {
    const location = { href, assign: (url: URL) => resolve(url.href) }
    const api = new Function('fetch', 'location', `${sample?.text}\nreturn api`)(fetchAs, location)
    void api('/api/items')
  })
}
