/**
 * Policy files as one set: all definitions, then all routes, every error of every file in one run. Pure: what has to be
 * read besides is asked for.
 */

import { compileRouteTableInSteps, type RouteTable } from '../routing/route-table.ts'
import { error, hasErrors, type Position, type Problem, warning } from '../support/problem.ts'
import { didYouMean } from '../support/suggest.ts'
import { readYaml, type YamlDocument } from '../support/yaml-document.ts'
import type { YamlEntry, YamlMap, YamlNode } from '../support/yaml-node.ts'
import { compileOffers } from './compile-offers.ts'
import { createRuleCompiler, type RuleCompiler } from './language/compile-rules.ts'
import { type Providers, policyWarnings } from './language/policy-warnings.ts'
import { createZoneOffset, type ZoneOffset } from './language/time-zone.ts'
import type { RefusedOffers, RouteOffer } from './offer.ts'
import { compileRoute, type RouteSurroundings } from './route/compile-routes.ts'
import type { Route } from './route.ts'

export type { ProviderFacts } from './language/policy-warnings.ts'

export interface PolicySource {
  /** For messages, and the place from which paths in the file start. */
  readonly file: string
  readonly text: string
}

export interface CompileOptions {
  /** The text of a file that a route names. @throws where it cannot be read; the message then says why */
  readonly readText: (absolutePath: string) => string
  /** By name; `undefined` where there is no config to ask. */
  readonly providers: Providers | undefined
  /** `server.allow_http`: plain http in `from` beyond loopback. */
  readonly allowHttp: boolean
  /** Routes from outside of the files, which pick policies of theirs. */
  readonly offers?: readonly RouteOffer[]
  /** Canonical names of hosts that no offer can take. */
  readonly ownHosts?: readonly string[]
  /** Policies may be there for offers, so that nothing is said of those that no route uses. */
  readonly policiesAreOffered?: boolean
}

export interface CompiledSet {
  /** In the order of files and of routes in them, then offers. Meaningful only where no problem is an error. */
  readonly routes: readonly Route[]
  /** How many of them the files have. */
  readonly fileRoutes: number
  readonly table: RouteTable<Route>
  /** What is wrong with offers; none of it is among `problems`. */
  readonly refused: RefusedOffers
  /** Errors and warnings, by file and place. */
  readonly problems: readonly Problem[]
}

/** A message longer than this is cut: what was written may be of any length. */
const MAX_MESSAGE = 400

/** A text without it has no key `use`: such a key is written out, or with an escape in quotes. */
const MAY_USE = /use|\\[xuU]/

/** Compiles all policy files at once. Never throws for what is written in them. */
export function compilePolicies(
  sources: readonly PolicySource[],
  options: CompileOptions,
): CompiledSet {
  const steps = compileInSteps(sources, options)
  let step = steps.next()
  while (step.done !== true) {
    const source = step.value
    step = steps.next(source && readYaml(source.file, source.text))
  }
  return step.value
}

/**
 * The same in steps, between which others may have their turn. A step that gives a source wants its document, so that
 * whoever asks for the next one can read it in another way.
 */
export function* compileInSteps(
  sources: readonly PolicySource[],
  options: CompileOptions,
): Generator<PolicySource | undefined, CompiledSet, YamlDocument | undefined> {
  const problems: Problem[] = []
  const note = (problem: Problem): undefined => {
    problems.push(problem)
  }
  const around = {
    report: (at: Position, message: string) => note(error(at, oneLine(message))),
    warn: (at: Position, message: string) => note(warning(at, oneLine(message))),
    zone: createZones(),
    providers: options.providers && new Set(options.providers.keys()),
  }
  const rules = createRuleCompiler(around)
  const { allowHttp, readText } = options
  const surroundings: RouteSurroundings = { ...around, rules, allowHttp, readText }
  const files: FileRoutes[] = []
  for (const source of sources) {
    const document = yield source
    for (const problem of document?.problems ?? []) note(problem)
    const nodes = document?.tree === undefined ? [] : takeFile(document.tree, rules, around)
    const file: FileRoutes = { nodes, routes: [], names: [] }
    files.push(file)
    // A file that uses no definitions is compiled at once, so that nothing of it but its routes is kept.
    if (!MAY_USE.test(source.text)) yield* compileRoutes(file, surroundings)
  }
  for (const file of files) yield* compileRoutes(file, surroundings)
  checkNames(
    files.flatMap(({ names }) => names),
    around,
  )
  const fileRoutes = files.flatMap((file) => file.routes)
  const { offers = [], ownHosts = [], providers } = options
  const offered = yield* compileOffers(offers, {
    surroundings,
    problems,
    providers,
    fileRoutes,
    ownHosts,
  })
  const routes = [...fileRoutes, ...offered.routes]
  const unusedPolicies = rules.policies.finish()
  const unused = [
    ...rules.conditions
      .finish()
      .map(({ name, at }) => warning(at, oneLine(`the condition \`${name}\` is never used`))),
    ...(options.policiesAreOffered === true ? [] : unusedPolicies).map(({ name, at }) =>
      warning(at, oneLine(`the policy \`${name}\` is never used`)),
    ),
  ]
  // What is broken may have been what used it.
  if (!hasErrors(problems)) problems.push(...unused)
  const warnings: Problem[] = []
  for (const route of fileRoutes) {
    warnings.push(...policyWarnings(route, options.providers))
    yield
  }
  const { table, problems: conflicts } = yield* compileRouteTableInSteps(routes)
  const ofOffers = new Set(offers.map(({ source }) => source))
  const { refused } = offered
  for (const conflict of conflicts) {
    const { broken = [], taken = [] } = refused.get(conflict.file) ?? {}
    if (!ofOffers.has(conflict.file)) problems.push(conflict)
    else refused.set(conflict.file, { broken, taken: [...taken, conflict] })
  }
  return {
    routes,
    fileRoutes: fileRoutes.length,
    table,
    refused,
    problems: inOrder([...problems, ...warnings]),
  }
}

/** What the routes of one file come to. */
interface FileRoutes {
  /** Emptied on the way: of ten thousand routes, what they are written in is not kept. */
  readonly nodes: (YamlNode | undefined)[]
  readonly routes: Route[]
  /** Also of those in which something is wrong. */
  readonly names: GivenName[]
}

interface GivenName {
  readonly name: string
  readonly at: Position
}

/** Those that are not compiled yet. */
function* compileRoutes(
  { nodes, routes, names }: FileRoutes,
  around: RouteSurroundings,
): Generator<undefined, void> {
  for (const [index, node] of nodes.entries()) {
    if (node === undefined) continue
    const route = compileRoute(node, around)
    if (route !== undefined) routes.push(route)
    const name = givenName(node)
    if (name !== undefined) names.push(name)
    nodes[index] = undefined
    yield
  }
}

/** Definitions go to `rules`; the routes are for later, when all definitions are known. */
function takeFile(
  tree: YamlNode,
  rules: RuleCompiler,
  { report }: Pick<RouteSurroundings, 'report'>,
): YamlNode[] {
  if (tree.kind !== 'map') {
    report(tree.at, 'a policy file is a mapping with `routes`, `conditions` and `policies`')
    return []
  }
  let routes: YamlNode[] = []
  const takeMap = (entry: YamlEntry, add: (map: YamlMap) => void): void => {
    if (entry.value.kind === 'map') add(entry.value)
    else report(entry.value.at, `\`${entry.key}\` takes a mapping of names`)
  }
  for (const entry of tree.entries) {
    const { key, keyAt, value } = entry
    if (key === 'conditions') takeMap(entry, rules.conditions.add)
    else if (key === 'policies') takeMap(entry, rules.policies.add)
    else if (key !== 'routes') report(keyAt, unknownSection(key))
    else if (value.kind === 'list') routes = [...value.items]
    else report(value.at, '`routes` takes a list of routes')
  }
  return routes
}

function unknownSection(key: string): string {
  const known = ['conditions', 'policies', 'routes']
  const hint = didYouMean(key, known)
  return `unknown key \`${key}\`${hint === '' ? '; a policy file has `conditions`, `policies` and `routes`' : hint}`
}

function givenName(route: YamlNode): GivenName | undefined {
  const entries = route.kind === 'map' ? route.entries : []
  const name = entries.find(({ key }) => key === 'name')?.value
  if (name?.kind !== 'scalar' || typeof name.value !== 'string') return undefined
  return { name: name.value, at: name.at }
}

/** Given names are unique. */
function checkNames(
  names: readonly GivenName[],
  { report }: Pick<RouteSurroundings, 'report'>,
): void {
  const taken = new Map<string, Position>()
  for (const { name, at } of names) {
    const earlier = taken.get(name)
    if (earlier === undefined) taken.set(name, at)
    else {
      const place = `${earlier.file}:${earlier.line}`
      report(at, `the name \`${name}\` is already that of another route (${place})`)
    }
  }
}

/** Zones by name, so that each is read once; a name that is none is remembered too. */
function createZones(): (name: string) => ZoneOffset | undefined {
  const known = new Map<string, ZoneOffset | undefined>()
  return (name) => {
    if (!known.has(name)) known.set(name, createZoneOffset(name))
    return known.get(name)
  }
}

function oneLine(message: string): string {
  const visible = message.replace(/\p{Cc}/gu, (char) => JSON.stringify(char).slice(1, -1))
  return visible.length > MAX_MESSAGE ? `${visible.slice(0, MAX_MESSAGE - 1)}…` : visible
}

/** By file, line and column, each once: what a shared condition earns, it earns once. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const sorted = [...problems].sort(
    (a, b) =>
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  )
  const seen = new Set<string>()
  return sorted.filter(({ file, line, column, message }) => {
    const key = JSON.stringify([file, line, column, message])
    return !seen.has(key) && seen.add(key)
  })
}
