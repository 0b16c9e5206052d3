/** Which hosts and paths an Ingress asks for, read from its rules; nothing is said yet about who gets them. */

import { readAuthority } from '../routing/host-name.ts'
import { readEscapes } from '../routing/percent.ts'
import type { Backend, IngressObject, IngressPath } from './objects.ts'

export interface Claim {
  /** Canonical: `app.example.com`, or `*.example.com` for one label. */
  readonly host: string
  readonly kind: 'path' | 'prefix'
  /** Decoded; a prefix has no final slash. */
  readonly path: string
  readonly backend: Backend
}

export interface ReadClaims {
  readonly claims: readonly Claim[]
  readonly problems: readonly string[]
}

/** Each is a route, and all routes are compiled at each change of the cluster: one Ingress must not hold up the others. */
const MOST_PATHS = 1_000

export function readClaims(ingress: IngressObject): ReadClaims {
  const { claims, problems } = readAll(ingress)
  if (claims.length <= MOST_PATHS) return { claims, problems }
  const hosts = [...new Set(claims.map(({ host }) => host))].slice(0, MOST_PATHS)
  const whole = hosts.map((host): Claim => ({ host, ...WHOLE, backend: { kind: 'other' } }))
  const problem = `it has ${claims.length} paths, and ${MOST_PATHS} are the most: make several Ingresses of it`
  // Closed as a whole, since something is wrong with it.
  return { claims: whole, problems: [problem, ...problems] }
}

const WHOLE = { kind: 'prefix', path: '/' } as const

function readAll({ rules, defaultBackend }: IngressObject): ReadClaims {
  const claims: Claim[] = []
  const problems: string[] = []
  const hosts = new Set<string>()
  if (rules.length === 0) {
    problems.push('it has no rule with a `host`: Gatehouse answers for hosts that it knows alone')
  }
  for (const rule of rules) {
    const host = readHost(rule.host)
    if (host === undefined) {
      problems.push(
        rule.host === ''
          ? 'a rule without `host` would take all hosts: write one'
          : `\`${rule.host}\` is no host`,
      )
      continue
    }
    hosts.add(host)
    if (rule.paths.length === 0 && defaultBackend === undefined) {
      problems.push(`the rule for \`${host}\` has no paths, and there is no \`defaultBackend\``)
      claims.push({ host, kind: 'prefix', path: '/', backend: { kind: 'other' } })
    }
    for (const path of rule.paths) {
      const read = readPath(path)
      if (typeof read === 'string') problems.push(read)
      else claims.push({ host, ...read, backend: path.backend })
    }
  }
  if (defaultBackend !== undefined) claims.push(...restOf(hosts, claims, defaultBackend))
  return { claims, problems }
}

/** What no rule takes, on the hosts that the Ingress names itself. */
function restOf(
  hosts: ReadonlySet<string>,
  claims: readonly Claim[],
  backend: Backend,
): readonly Claim[] {
  const whole = new Set(
    claims.filter(({ kind, path }) => kind === 'prefix' && path === '/').map(({ host }) => host),
  )
  return [...hosts]
    .filter((host) => !whole.has(host))
    .map((host) => ({ host, kind: 'prefix', path: '/', backend }))
}

/** Canonical, or `undefined`. */
export function readHost(text: string): string | undefined {
  const isWildcard = text.startsWith('*.')
  const read = readAuthority(isWildcard ? text.slice(2) : text)
  if (read === undefined || read.port !== undefined || read.name.startsWith('[')) return undefined
  return isWildcard ? `*.${read.name}` : read.name
}

/** Paths are written as they are asked for, percent-encoded, and compared decoded. A text says what is wrong. */
function readPath({ path, type }: IngressPath): Pick<Claim, 'kind' | 'path'> | string {
  const written = path === '' ? '/' : path
  const kind = type === 'Exact' ? 'path' : 'prefix'
  if (!written.startsWith('/')) return `the path \`${written}\` does not begin with a slash`
  // A character that is half of one has no encoding; what throws would end the whole process.
  const ascii = written.toWellFormed().replace(/[^\0-\x7f]+/gu, encodeURIComponent)
  const read = readEscapes(ascii, false)
  if (typeof read === 'string') return `the path \`${written}\`: ${read}`
  const { decoded } = read
  if (decoded === '/.gatehouse' || decoded.startsWith('/.gatehouse/')) {
    return 'what is below `/.gatehouse/` is answered by Gatehouse: no Ingress can take it'
  }
  // By segment: `/app/` takes what `/app` takes.
  const taken = kind === 'prefix' ? decoded.replace(/\/+$/, '') || '/' : decoded
  return { kind, path: taken }
}
