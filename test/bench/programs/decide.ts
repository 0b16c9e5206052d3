/** Measures matching and deciding, and prints a table. Needs `--expose-gc`, and room for what must not be allocated. */

import { compilePolicies } from '../../../src/policy/compile.ts'
import { decide } from '../../../src/policy/decide.ts'
import type { Facts, Person } from '../../../src/policy/model.ts'
import type { Route } from '../../../src/policy/route.ts'
import type { RouteTable } from '../../../src/routing/route-table.ts'
import { criteriaText, routesText } from '../policies.ts'
import { median } from '../processes.ts'

const ROUNDS = 15
const RUNS = 200_000

const FACTS: Facts = {
  method: 'GET',
  path: '/d/abc',
  sourceIp: '192.0.2.10',
  rawHeaders: ['Host', 'app.example.com', 'Accept', '*/*', 'X-Team', 'platform'],
  now: 1_772_442_000_000,
  clientCertificate: undefined,
}

const groups = Array.from({ length: 10 }, (_, i) => ({ name: `team-${i}` }))
const ANA: Person = {
  kind: 'person',
  sub: '00u1',
  provider: 'okta',
  email: 'ana@example.com',
  groups: { list: groups, spellings: new Set(groups.map(({ name }) => name)), complete: true },
  claims: { department: 'Platform' },
  acr: undefined,
  amr: ['pwd', 'mfa'],
  authTime: 1_772_441_000_000,
  steppedUpAt: undefined,
}

function compile(text: string): RouteTable<Route> {
  const options = { readText: () => '', providers: undefined, allowHttp: false }
  return compilePolicies([{ file: 'p.yaml', text }], options).table
}

const few = compile(routesText(0, 10))
const many = compile(routesText(0, 10_000))
const criteria = Object.fromEntries([1, 10, 20].map((n) => [n, compile(criteriaText(n))]))

/** Requests for ten hosts that are in both tables, so that only the tables differ. */
const tenHosts = Array.from({ length: 10 }, (_, i) => `app-${i}.example.com`)
const allHosts = Array.from({ length: 10_000 }, (_, i) => `app-${(i * 7919) % 10_000}.example.com`)

function matchAndDecide(table: RouteTable<Route>, hosts: readonly string[]): number {
  let allowed = 0
  for (let i = 0; i < RUNS; i++) {
    const route = table.host(hosts[i % hosts.length] as string)?.match(FACTS.path)
    if (route !== undefined && decide(route.policy, FACTS, ANA).outcome === 'allow') allowed++
  }
  return allowed
}

function decideOnly(table: RouteTable<Route>): number {
  const policy = (table.routes[0] as Route).policy
  let allowed = 0
  for (let i = 0; i < RUNS; i++) if (decide(policy, FACTS, ANA).outcome === 'allow') allowed++
  return allowed
}

const cases: readonly (readonly [name: string, run: () => number])[] = [
  ['match and decide, 10 routes', () => matchAndDecide(few, tenHosts)],
  ['match and decide, the same of 10,000 routes', () => matchAndDecide(many, tenHosts)],
  ['match and decide, all of 10,000 routes in turn', () => matchAndDecide(many, allHosts)],
  ['decide, 1 criterion', () => decideOnly(criteria[1] as RouteTable<Route>)],
  ['decide, 10 criteria', () => decideOnly(criteria[10] as RouteTable<Route>)],
  ['decide, 20 criteria', () => decideOnly(criteria[20] as RouteTable<Route>)],
]

const nanoseconds = cases.map((): number[] => [])
const bytes = cases.map((): number[] => [])
for (let round = -3; round < ROUNDS; round++) {
  for (const [index, [name, run]] of cases.entries()) {
    globalThis.gc?.()
    const heap = process.memoryUsage().heapUsed
    const started = process.cpuUsage()
    if (run() === 0) throw new Error(`${name}: nobody was let in`)
    const { user, system } = process.cpuUsage(started)
    // The first rounds are for the compiler.
    if (round < 0) continue
    nanoseconds[index]?.push(((user + system) * 1000) / RUNS)
    bytes[index]?.push((process.memoryUsage().heapUsed - heap) / RUNS)
  }
}

console.log('| decisions | ns each | against 10 routes | bytes each |')
console.log('|---|---|---|---|')
for (const [index, [name]] of cases.entries()) {
  const own = nanoseconds[index] ?? []
  const ratios = own.map((value, round) => value / (nanoseconds[0]?.[round] ?? Number.NaN))
  const ratio = index < 3 ? median(ratios).toFixed(2) : ''
  console.log(
    `| ${name} | ${median(own).toFixed(0)} | ${ratio} | ${median(bytes[index] ?? []).toFixed(2)} |`,
  )
}
