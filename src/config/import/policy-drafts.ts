/** Routes sorted into policy files, one for each host, with a name for each route and file. */

import { type DraftEntry, type DraftPart, entry, list, map } from './draft.ts'
import type { DraftFile } from './settle.ts'

const FOLDER = 'policies'
/** Of a file's name, which may be 255 bytes long. */
const MAX_FILE_NAME = 200
/** Of a route's name. */
const MAX_NAME = 180

/** Gives out each text once, the next time with a number behind it. */
export function createNames(): (wanted: string) => string {
  const given = new Set<string>()
  return (wanted) => {
    let name = wanted
    for (let count = 2; given.has(name); count++) name = `${wanted}-${count}`
    given.add(name)
    return name
  }
}

/** A route's name: its own, or host and path as the gateway would derive it. */
export function routeName(written: string | undefined, host: string, path: string): string {
  const derived = `${host}${path === '/' ? '' : path}`
  const name = (written ?? derived).replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, MAX_NAME)
  return name.trim() === '' ? 'route' : name
}

export interface HostedRoute {
  readonly host: string
  readonly part: DraftPart
}

/** The files of `routes`, in the order in which their hosts first come. */
export function policyFiles(
  routes: readonly HostedRoute[],
  head: (host: string) => readonly string[],
): readonly DraftFile[] {
  // The config names the folder, so there must be one.
  if (routes.length === 0) {
    return [{ path: `${FOLDER}/routes.yaml`, head: head('no host at all'), root: map([]) }]
  }
  const names = createNames()
  const hosts = Map.groupBy(routes, ({ host }) => fileName(host))
  return [...hosts].map(([name, ofHost]) => ({
    path: `${FOLDER}/${names(name)}.yaml`,
    head: head(name),
    root: map([entry('routes', list(ofHost.map(({ part }) => part)))]),
  }))
}

/** A file of named policies that the routes use. */
export function sharedPolicies(
  policies: readonly DraftEntry[],
  head: readonly string[],
): readonly DraftFile[] {
  if (policies.length === 0) return []
  const root = map([entry('policies', map(policies))])
  return [{ path: `${FOLDER}/shared-policies.yaml`, head, root }]
}

/** `*.example.com` is `wildcard.example.com`; a name that begins with a dot would be hidden, one in `_test` a test. */
function fileName(host: string): string {
  const plain = host
    .replace(/:\d+$/, '')
    .replaceAll('*', 'wildcard')
    .replace(/[^a-z0-9.-]/g, '-')
    .replace(/^\.+/, '')
    .slice(0, MAX_FILE_NAME)
  return plain === '' ? 'routes' : plain
}
