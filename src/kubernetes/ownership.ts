/**
 * Who gets a host and a path that several Ingresses ask for. A host belongs to one namespace, or whoever may write an
 * Ingress anywhere could take over a part of somebody else's site.
 */

import type { Claim, ReadClaims } from './claims.ts'
import { type IngressObject, keyOf } from './objects.ts'

export interface Candidate extends ReadClaims {
  readonly ingress: IngressObject
}

export interface Ownership {
  readonly won: readonly Claim[]
  /** Why each of the others is not. */
  readonly lost: readonly string[]
}

/** Hosts by the namespace that they are for: `kubernetes.hosts`. */
export type BoundHosts = Readonly<Record<string, readonly string[]>>

/** The order in which claims are looked at: the oldest first, then by namespace and name. */
export function byAge(one: IngressObject, other: IngressObject): number {
  return (
    compare(one.createdAt, other.createdAt) ||
    compare(one.namespace, other.namespace) ||
    compare(one.name, other.name)
  )
}

/** @returns what each of `candidates`, which are in their order, gets */
export function settleClaims(
  candidates: readonly Candidate[],
  bound: BoundHosts,
): readonly Ownership[] {
  /** Hosts by the Ingress that has had them first. */
  const owners = new Map<string, IngressObject>()
  const paths = new Map<string, IngressObject>()
  const whyNotHost = (host: string, { namespace }: IngressObject): string | undefined => {
    const own = Object.hasOwn(bound, namespace) ? bound[namespace] : undefined
    if (own !== undefined) {
      return own.some((pattern) => covers(pattern, host))
        ? undefined
        : `the namespace \`${namespace}\` has no host \`${host}\`: the config names its hosts in \`kubernetes.hosts\``
    }
    const isForOthers = Object.values(bound).some((hosts) =>
      hosts.some((pattern) => covers(pattern, host) || covers(host, pattern)),
    )
    if (isForOthers)
      return `the host \`${host}\` is kept for another namespace by \`kubernetes.hosts\``
    const owner = [owners.get(host), owners.get(wildcardOver(host))].find(
      (one) => one !== undefined && one.namespace !== namespace,
    )
    return owner && `the host \`${host}\` belongs to the older Ingress \`${keyOf(owner)}\``
  }
  return candidates.map(({ ingress, claims }) => {
    const won: Claim[] = []
    const lost = new Set<string>()
    for (const claim of claims) {
      const { host, kind, path } = claim
      const why = whyNotHost(host, ingress)
      if (why !== undefined) {
        lost.add(why)
        continue
      }
      if (!owners.has(host)) owners.set(host, ingress)
      const place = `${host} ${kind} ${path}`
      const rival = paths.get(place)
      if (rival === undefined) {
        paths.set(place, ingress)
        won.push(claim)
      } else if (rival === ingress) lost.add(`it has the path \`${path}\` of \`${host}\` twice`)
      else
        lost.add(
          `the path \`${path}\` of \`${host}\` belongs to the older Ingress \`${keyOf(rival)}\``,
        )
    }
    return { won, lost: [...lost] }
  })
}

/** Whether `pattern`, a host or a wildcard, takes `host`, which may be a wildcard too. */
export function covers(pattern: string, host: string): boolean {
  return pattern === host || (!host.startsWith('*.') && pattern === wildcardOver(host))
}

/** The wildcard that takes `host` where no exact route does; itself where it is one, or where there is none. */
function wildcardOver(host: string): string {
  return host.startsWith('*.') || !host.includes('.') ? host : `*${host.slice(host.indexOf('.'))}`
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
