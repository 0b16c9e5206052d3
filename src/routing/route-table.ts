/** All routes, compiled so that finding one costs the same however many there are. */

import type { RE2JS } from 're2js'
import { error, type Position, type Problem } from '../support/problem.ts'
import { findLongest, insertPrefix, newPrefixTree, type PrefixTree } from './prefix-tree.ts'
import { findRegex, indexRegexes, type RegexIndex, type RegexRoute } from './regex-index.ts'

export type HostMatch =
  | { readonly kind: 'exact'; readonly name: string }
  /** `*.example.com`: `suffix` is `example.com`; exactly one label stands before it. */
  | { readonly kind: 'wildcard'; readonly suffix: string }

export type PathMatch =
  /** By segment: `/adm` takes `/adm` and `/adm/x`, never `/admin`. */
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'path'; readonly path: string }
  /** RE2 over the whole decoded path. */
  | { readonly kind: 'regex'; readonly regex: RE2JS; readonly source: string }

export interface RouteMatch {
  readonly host: HostMatch
  readonly path: PathMatch
}

/** What the table needs to know of a route. INVARIANT: hosts are canonical (host-name.ts), paths begin with `/`. */
export interface Routable {
  readonly name: string
  readonly at: Position
  readonly match: RouteMatch
  readonly keepEncodedSlashes: boolean
}

/** The routes of one host. */
export interface HostEntry<R> {
  /** As the route says it: `app.example.com` or `*.example.com`. */
  readonly host: string
  /** How paths on this host are read; the same for all of its routes. */
  readonly keepEncodedSlashes: boolean
  /** At least one, in the order given. */
  readonly routes: readonly R[]
  /** The most specific route for a decoded canonical path: exact path, then regex, then longest prefix. */
  match(decodedPath: string): R | undefined
}

export interface RouteTable<R> {
  readonly routes: readonly R[]
  /** The routes for a canonical host name: a host that any route names exactly, else the wildcard over it. */
  host(name: string): HostEntry<R> | undefined
  /** All hosts that have a route, as the routes say them. */
  hosts(): readonly string[]
}

interface PathIndex<R> {
  paths: Map<string, R> | undefined
  regexes: RegexIndex<R> | undefined
  readonly prefixes: PrefixTree<R>
}

/**
 * Compiles `routes`, whose order has no meaning. Two that could both win, and hosts whose routes do not agree on
 * `encoded_slashes`, are errors at the later one; the table then holds the earlier.
 */
export function compileRouteTable<R extends Routable>(routes: readonly R[]): CompiledTable<R> {
  const steps = compileRouteTableInSteps(routes)
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}

export interface CompiledTable<R> {
  readonly table: RouteTable<R>
  readonly problems: readonly Problem[]
}

/** The same in steps, between which others may have their turn. */
export function* compileRouteTableInSteps<R extends Routable>(
  routes: readonly R[],
): Generator<undefined, CompiledTable<R>> {
  const problems: Problem[] = []
  const exact = new Map<string, HostEntry<R>>()
  const wildcards = new Map<string, HostEntry<R>>()
  for (const ofHost of groupByHost(routes).values()) {
    const [first] = ofHost
    const { host } = first.match
    const entry = compileHost(ofHost, problems)
    if (host.kind === 'exact') exact.set(host.name, entry)
    else wildcards.set(host.suffix, entry)
    yield
  }
  const find = (name: string): HostEntry<R> | undefined => {
    const entry = exact.get(name)
    if (entry !== undefined || wildcards.size === 0) return entry
    const dot = name.indexOf('.')
    return dot === -1 ? undefined : wildcards.get(name.slice(dot + 1))
  }
  const hosts = [...exact.values(), ...wildcards.values()].map((entry) => entry.host)
  return { table: { routes, host: find, hosts: () => hosts }, problems }
}

/** A host as routes and messages write it. */
export function hostText(host: HostMatch): string {
  return host.kind === 'exact' ? host.name : `*.${host.suffix}`
}

type AtLeastOne<R> = [R, ...R[]]

function groupByHost<R extends Routable>(routes: readonly R[]): Map<string, AtLeastOne<R>> {
  const groups = new Map<string, AtLeastOne<R>>()
  for (const route of routes) {
    const key = hostText(route.match.host)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [route])
    else group.push(route)
  }
  return groups
}

function compileHost<R extends Routable>(
  routes: Readonly<AtLeastOne<R>>,
  problems: Problem[],
): HostEntry<R> {
  const [first] = routes
  if (routes.length === 1 && takesEveryPath(first)) return new IndexedHost(routes, undefined)
  const index: PathIndex<R> = {
    paths: undefined,
    regexes: undefined,
    prefixes: newPrefixTree(),
  }
  const regexes: RegexRoute<R>[] = []
  for (const route of routes) {
    if (route.keepEncodedSlashes !== first.keepEncodedSlashes) {
      problems.push(mixedSlashes(route, first))
    }
    const { path } = route.match
    if (path.kind === 'regex') {
      regexes.push({ regex: path.regex, source: path.source, route })
      continue
    }
    const rival = insert(index, route)
    if (rival !== undefined) problems.push(bothCouldWin(route, rival))
  }
  if (regexes.length > 0) {
    const indexed = indexRegexes(regexes)
    index.regexes = indexed.index
    for (const [later, earlier] of indexed.conflicts) problems.push(bothCouldWin(later, earlier))
  }
  return new IndexedHost(routes, index)
}

function takesEveryPath({ match: { path } }: Routable): boolean {
  return path.kind === 'prefix' && path.prefix === '/'
}

// There may be very many: one function for all of them, and where one route takes every path, nothing to look up.
class IndexedHost<R extends Routable> implements HostEntry<R> {
  readonly #first: R
  readonly #index: PathIndex<R> | undefined
  readonly host: string
  readonly keepEncodedSlashes: boolean
  readonly routes: readonly R[]

  /** @param index `undefined` where the first route takes every path */
  constructor(routes: Readonly<AtLeastOne<R>>, index: PathIndex<R> | undefined) {
    const [first] = routes
    this.#first = first
    this.#index = index
    this.host = hostText(first.match.host)
    this.keepEncodedSlashes = first.keepEncodedSlashes
    this.routes = routes
  }

  match(decodedPath: string): R | undefined {
    return this.#index === undefined ? this.#first : matchPath(this.#index, decodedPath)
  }
}

/** Puts `route` into its place; what stands there already stays and is returned. */
function insert<R extends Routable>(index: PathIndex<R>, route: R): R | undefined {
  const { path } = route.match
  if (path.kind === 'prefix') return insertPrefix(index.prefixes, path.prefix, route)
  if (path.kind !== 'path') return undefined
  index.paths ??= new Map()
  const rival = index.paths.get(path.path)
  if (rival === undefined) index.paths.set(path.path, route)
  return rival
}

function matchPath<R>(index: PathIndex<R>, path: string): R | undefined {
  if (index.paths !== undefined) {
    const route = index.paths.get(path)
    if (route !== undefined) return route
  }
  if (index.regexes !== undefined) {
    const route = findRegex(index.regexes, path)
    if (route !== undefined) return route
  }
  return findLongest(index.prefixes, path)
}

function bothCouldWin(later: Routable, earlier: Routable): Problem {
  const { path } = later.match
  const why =
    path.kind === 'regex'
      ? `both have a regex on \`${hostText(later.match.host)}\`, and nothing in how they begin keeps them apart`
      : `both have ${path.kind} \`${path.kind === 'prefix' ? path.prefix : path.path}\` on ` +
        `\`${hostText(later.match.host)}\``
  return error(
    later.at,
    `route \`${later.name}\` and route \`${earlier.name}\` (${place(earlier.at)}) could both win: ${why}`,
  )
}

function mixedSlashes(later: Routable, earlier: Routable): Problem {
  const setting = (route: Routable) => (route.keepEncodedSlashes ? 'keep' : 'reject')
  return error(
    later.at,
    `route \`${later.name}\` has \`encoded_slashes: ${setting(later)}\`, route \`${earlier.name}\` ` +
      `(${place(earlier.at)}) has \`${setting(earlier)}\`: all routes of \`${hostText(later.match.host)}\` ` +
      'must have the same',
  )
}

function place(at: Position): string {
  return `${at.file}:${at.line}`
}
