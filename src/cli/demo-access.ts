/** Who may open which route of the demo: asked of the policies themselves, so that it is true after an edit too. */

import { decide } from '../policy/decide.ts'
import { ANONYMOUS, type Facts, type Subject } from '../policy/model.ts'
import type { Route } from '../policy/route.ts'

/** Somebody as the demo's provider describes them. */
export interface KnownPerson {
  readonly sub: string
  readonly email: string
  readonly groups: readonly string[]
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A URL that the route serves, or `undefined` where it has no single one. */
export function urlOf({ origin, match }: Route): string | undefined {
  if (match.host.kind === 'wildcard') return undefined
  const path = pathOf(match.path)
  return path === undefined ? undefined : `${origin}${path}`
}

/** Whether that person, or somebody who has not signed in, may visit the route's URL. */
export function mayOpen(route: Route, person: KnownPerson | undefined, facts: Facts): boolean {
  return decide(route.policy, facts, subjectOf(person)).outcome === 'allow'
}

/** A visit of the route's URL by a browser on this machine. */
export function visitOf(route: Route, now: number): Facts {
  return {
    method: 'GET',
    path: pathOf(route.match.path) ?? '/',
    sourceIp: '127.0.0.1',
    rawHeaders: [],
    now,
    clientCertificate: undefined,
  }
}

function pathOf(match: Route['match']['path']): string | undefined {
  switch (match.kind) {
    case 'path':
      return match.path
    case 'prefix':
      return match.prefix
    case 'regex':
      return undefined
  }
}

function subjectOf(person: KnownPerson | undefined): Subject {
  if (person === undefined) return ANONYMOUS
  return {
    kind: 'person',
    sub: person.sub,
    provider: 'demo',
    email: person.email,
    groups: {
      list: person.groups.map((name) => ({ name })),
      spellings: new Set(person.groups),
      complete: true,
    },
    claims: person.claims ?? {},
    acr: undefined,
    amr: [],
    authTime: undefined,
    steppedUpAt: undefined,
  }
}
