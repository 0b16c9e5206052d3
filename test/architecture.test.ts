/** The house rules of src/README.md against the real imports: each failure says which rule and why it is there. */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { test } from 'tap'

const SRC = join(import.meta.dirname, '../src')

interface SourceFile {
  readonly path: string
  readonly room: string
  readonly text: string
}

interface Import {
  readonly from: SourceFile
  readonly target: string
  readonly typesOnly: boolean
}

const files: readonly SourceFile[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => ({
    path,
    room: path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, ''),
    text: readFileSync(join(SRC, path), 'utf8'),
  }))

const IMPORT = /^(?:import|export)\s+(type\s+)?[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/gm

const imports: readonly Import[] = files.flatMap((from) =>
  [...from.text.matchAll(IMPORT)].map((match) => ({
    from,
    target: match[2] ?? match[3] ?? '',
    typesOnly: match[1] !== undefined,
  })),
)

/** Rows of the table "Who may import whom": room -> what it may import; `(types only)` and `types and snapshot` kept. */
function importTable(): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const readme = readFileSync(join(SRC, 'README.md'), 'utf8')
  const table = readme.slice(readme.search(/^\| room +\| may import/m))
  const rows = new Map<string, ReadonlyMap<string, string>>()
  for (const [, room = '', rooms = ''] of table.matchAll(/^\| (\w+) +\| (.+?) +\|$/gm)) {
    const allowed = [...rooms.matchAll(/(\w+)(?: \(([^)]+)\))?/g)]
    rows.set(room, new Map(allowed.map(([, name = '', limit = '']) => [name, limit])))
  }
  return rows
}

const rules = importTable()

function roomOf(from: SourceFile, target: string): string {
  const path = relative(SRC, normalize(join(SRC, dirname(from.path), target)))
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, '')
}

test('rooms import only what the table in src/README.md allows', async (t) => {
  for (const { from, target, typesOnly } of imports) {
    if (!target.startsWith('.')) continue
    const room = roomOf(from, target)
    if (room === from.room) continue
    const rule = rules.get(from.room)
    if (rule === undefined) {
      t.fail(`${from.path}: the room \`${from.room}\` is not in the table`)
    } else if (rule.has('all')) {
      t.notOk(
        ['cli', 'demo', 'main'].includes(room),
        `${from.path} must not import ${room}: it composes the gateway alone`,
      )
    } else {
      const limit = rule.get(room)
      const allowed =
        limit !== undefined &&
        (!limit.includes('types') ||
          typesOnly ||
          (limit.includes('snapshot') && target.endsWith('/snapshot.ts')))
      t.ok(
        allowed,
        `${from.path} imports \`${target}\`${limit ? ` (${limit})` : ''}: see the table in src/README.md`,
      )
    }
  }
})

test('each third-party package has one home', async (t) => {
  const homes: Record<string, RegExp> = {
    'openid-client': /^identity\/provider\/openid-[a-z-]+\.ts$/,
    jose: /^(identity|demo)\//,
    undici: /^identity\/provider\/outgoing-fetch\.ts$/,
    '@fastify/http-proxy': /^proxy\/upgrade\.ts$/,
    'js-yaml': /^support\/yaml-(document|tree|scalars|mistake)\.ts$/,
    yaml: /^support\/yaml-(mistake|writer)\.ts$/,
    'smol-toml': /^config\/import\/toml\.ts$/,
    ajv: /^support\//,
    'prom-client': /^admin\//,
    ioredis: /^identity\/(store|directory)\/redis-[a-z]+\.ts$/,
    'rate-limiter-flexible': /^identity\/store\/redis-[a-z]+\.ts$/,
    eta: /^pages\//,
    commander: /^cli\//,
    'oidc-provider': /^demo\//,
    '@opentelemetry/api': /^app\/open-tracing\.ts$/,
    '@opentelemetry/sdk-trace-base': /^app\/open-tracing\.ts$/,
    '@kubernetes/client-node': /^kubernetes\/api\.ts$/,
  }
  for (const { from, target } of imports) {
    const home = homes[target]
    if (home !== undefined)
      t.match(from.path, home, `\`${target}\` is used in ${from.path}: keep it in its home`)
  }
})

test('only main.ts touches argv, env and exit codes', async (t) => {
  for (const { path, text } of files) {
    if (path === 'main.ts') continue
    t.notMatch(
      text,
      /\bprocess\.(env|argv|exit\b|exitCode)/,
      `${path}: have it passed in, so that tests can choose it`,
    )
  }
})

test('files stay small enough to have one job', async (t) => {
  for (const { path, text } of files) {
    const lines = text.split('\n').length
    t.ok(lines <= 350, `${path} has ${lines} lines; past 350 it has two jobs`)
  }
})

test('imports make no cycles', async (t) => {
  const graph = new Map<string, string[]>()
  for (const { from, target, typesOnly } of imports) {
    if (!target.startsWith('.') || typesOnly) continue
    const to = relative(SRC, normalize(join(SRC, dirname(from.path), target)))
    graph.set(from.path, [...(graph.get(from.path) ?? []), to])
  }
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path))
      t.fail(`a cycle: ${[...way.slice(way.indexOf(path)), path].join(' -> ')}`)
    else if (!done.has(path)) {
      for (const next of graph.get(path) ?? []) visit(next, [...way, path])
      done.add(path)
    }
  }
  for (const path of graph.keys()) visit(path, [])
  t.pass('walked')
})
