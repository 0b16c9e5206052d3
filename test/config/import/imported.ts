/** Imports texts without a disk, and decides requests by the policies that come out. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Imported, type ImportKind, importFiles } from '../../../src/config/import/import.ts'
import { compilePolicies } from '../../../src/policy/compile.ts'
import { decide } from '../../../src/policy/decide.ts'
import { ANONYMOUS, type Outcome, type Subject } from '../../../src/policy/model.ts'
import type { Route } from '../../../src/policy/route.ts'
import { factsOf, readRequest, readRequestLine } from '../../../src/policy/suite/asked-request.ts'
import { readSubjects } from '../../../src/policy/suite/subjects.ts'
import type { RouteTable } from '../../../src/routing/route-table.ts'
import { formatProblem, hasErrors } from '../../../src/support/problem.ts'
import { readYaml } from '../../../src/support/yaml-document.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')
/** A Monday. */
export const NOW = Date.parse('2026-03-02T09:00:00Z')

export function fixture(name: string): string {
  return readFileSync(join(FIXTURES, name), 'utf8')
}

/** Imports one text, or the two of oauth2-proxy, as if they were files with these names. */
export function importTexts(
  kind: ImportKind,
  texts: Readonly<Record<string, string>>,
): Promise<Imported> {
  const sources = Object.entries(texts).map(([name, text]) => ({ file: `/old/${name}`, text }))
  return importFiles(kind, sources, { folder: '/new', now: () => NOW })
}

export function importFixture(kind: ImportKind, ...names: readonly string[]): Promise<Imported> {
  return importTexts(kind, Object.fromEntries(names.map((name) => [name, fixture(name)])))
}

/** All files as one text, comments included. */
export function listing({ files }: Imported): string {
  return files.map(({ path, text }) => `# ${path}\n${text}`).join('---\n')
}

/** Without comments. */
export function written(imported: Imported): string {
  return listing(imported).replace(/^\s*#.*\n/gm, '')
}

/** `routes[0].prefix: message` of every note of one kind. */
export function notesOf({ notes }: Imported, kind: string): readonly string[] {
  return notes.flatMap((note) => (note.kind === kind ? [`${note.subject}: ${note.message}`] : []))
}

/** The routes, which must have no errors. */
export function tableOf({ files }: Imported): RouteTable<Route> {
  const sources = files
    .filter(({ path }) => path.startsWith('policies/'))
    .map(({ path, text }) => ({ file: path, text }))
  const options = { readText: () => '', providers: undefined, allowHttp: true }
  const { table, problems } = compilePolicies(sources, options)
  if (hasErrors(problems)) throw new Error(problems.map(formatProblem).join('\n'))
  return table
}

const PEOPLE = readSubjects(
  readYaml(
    'subjects.yaml',
    `subjects:
  lena: { sub: 00uLENA, email: lena@corp.example.com, groups: [staff], claims: { department: Docks, level: 3 } }
  omar: { sub: 00uOMAR, email: omar@corp.example.com, groups: [], claims: { department: Customs } }
  pia: { sub: 00uPIA, email: pia@partner.example.org, groups: [], claims: { realm_access: { roles: [admin, operator] } } }
  vex: { sub: 00uVEX, email: vex@rival.example, groups: [] }
`,
  ),
).subjects

export function personNamed(name: string): Subject {
  const person = name === 'anonymous' ? ANONYMOUS : PEOPLE.get(name)
  if (person === undefined) throw new Error(`no subject ${name}`)
  return person
}

/** What becomes of `METHOD URL`, asked by `who`. */
export function outcomeOf(
  table: RouteTable<Route>,
  line: string,
  who: string,
  now: number = NOW,
  sourceIp = '192.0.2.10',
): Outcome | 'rejected' {
  const request = readRequestLine(line)
  if (typeof request === 'string') throw new Error(request)
  const reading = readRequest(table, { ...request, sourceIp })
  if (reading.kind !== 'routed') return 'rejected'
  const facts = factsOf({ ...request, sourceIp }, reading.path, now)
  return decide(reading.route.policy, facts, personNamed(who)).outcome
}
