/** Nothing is dropped silently: whatever key is taken away, the files or the notes are others. And no secret is copied. */

import { stringify as stringifyToml } from 'smol-toml'
import { test } from 'tap'
import { importSummary } from '../../../src/cli/output-import.ts'
import type { Imported, ImportKind } from '../../../src/config/import/import.ts'
import type { Note } from '../../../src/config/import/notes.ts'
import { hasErrors } from '../../../src/support/problem.ts'
import {
  HUSH,
  OAUTH2_ALPHA,
  OAUTH2_OPTIONS,
  POMERIUM_ROUTE,
  POMERIUM_SETTINGS,
} from './every-key.ts'
import { importTexts, listing, tableOf } from './imported.ts'

type Data = Readonly<Record<string, unknown>>
type Path = readonly (string | number)[]

/** Every place in `data`, items of lists of texts not among them. */
function pathsIn(data: unknown, path: Path = []): readonly Path[] {
  if (typeof data !== 'object' || data === null) return []
  const entries = Array.isArray(data) ? [...data.entries()] : Object.entries(data)
  return entries.flatMap(([key, value]) => {
    const own = [...path, key]
    const isPlainItem = typeof key === 'number' && typeof value !== 'object'
    return [...(isPlainItem ? [] : [own]), ...pathsIn(value, own)]
  })
}

function without(data: unknown, [first, ...rest]: Path): unknown {
  if (Array.isArray(data)) {
    return rest.length === 0
      ? data.filter((_, index) => index !== first)
      : data.map((item, index) => (index === first ? without(item, rest) : item))
  }
  const entries = Object.entries(data as Data)
  return Object.fromEntries(
    rest.length === 0
      ? entries.filter(([key]) => key !== first)
      : entries.map(([key, value]) => [key, key === first ? without(value, rest) : value]),
  )
}

/** Files and notes without their places, which move when a line is gone. */
function textOf(imported: Imported): string {
  const notes = imported.notes.map(({ kind, subject, message }) => `${kind} ${subject}: ${message}`)
  return [listing(imported), ...notes].join('\n')
}

function isLeftOut({ kind }: Note): boolean {
  return kind === 'left-out' || kind === 'secret'
}

function subjectOf(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .slice(1)
}

interface Case {
  readonly kind: ImportKind
  readonly name: string
  readonly data: Data
  readonly write: (data: unknown) => string
  /** Keys that another one overrides, or that do nothing by themselves. */
  readonly idle?: readonly string[]
}

const asJson = (data: unknown): string => JSON.stringify(data)

const CASES: Readonly<Record<string, Case>> = {
  "Pomerium's settings": {
    kind: 'pomerium',
    name: 'config.yaml',
    data: { ...POMERIUM_SETTINGS, routes: [{ from: 'https://a.example.com', to: 'http://a' }] },
    write: asJson,
    // It is spoken of in any case.
    idle: ['cookie_secret'],
  },
  'a Pomerium route': {
    kind: 'pomerium',
    name: 'config.yaml',
    data: { authenticate_service_url: 'https://auth.example.com', routes: [POMERIUM_ROUTE] },
    write: asJson,
  },
  "oauth2-proxy's options": {
    kind: 'oauth2-proxy',
    name: 'oauth2-proxy.cfg',
    data: OAUTH2_OPTIONS,
    write: (data) => stringifyToml(data as Record<string, unknown>),
    // One of the first two is enough; proxies are named; the others are spoken of in any case.
    idle: [
      'pass_basic_auth',
      'pass_user_headers',
      'reverse_proxy',
      'set_xauthrequest',
      'cookie_secret',
    ],
  },
  "oauth2-proxy's alpha config": {
    kind: 'oauth2-proxy',
    name: 'alpha.yaml',
    data: OAUTH2_ALPHA,
    write: asJson,
    idle: [
      'upstreamConfig.upstreams.0.id',
      'upstreamConfig.upstreams.1.id',
      // The header is named as left out.
      'injectRequestHeaders.2.values.0.value',
    ],
  },
}

for (const [title, { kind, name, data, write, idle = [] }] of Object.entries(CASES)) {
  const run = (changed: unknown) => importTexts(kind, { [name]: write(changed) })

  test(`${title}: whatever is taken away changes the result`, async (t) => {
    const imported = await run(data)
    const whole = textOf(imported)
    const leftOut = new Set(imported.notes.filter(isLeftOut).map(({ subject }) => subject))
    for (const path of pathsIn(data)) {
      const shown = path.join('.')
      // What is named as left out is left out with all that is in it.
      const isInside = path.some((_, end) => leftOut.has(subjectOf(path.slice(0, end))))
      if (idle.includes(shown) || isInside) continue
      t.ok(textOf(await run(without(data, path))) !== whole, shown)
    }
  })

  test(`${title}: the result passes the check, and holds no secret`, async (t) => {
    const imported = await run(data)
    t.notOk(hasErrors(imported.problems))
    t.doesNotThrow(() => tableOf(imported))
    const everything = listing(imported) + importSummary(imported, '/')
    t.notMatch(everything, new RegExp(HUSH))
    t.ok(imported.notes.every(({ at }) => at.file.startsWith('/old/')))
  })
}
