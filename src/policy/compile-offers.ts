/** Routes that are offered from outside of the policy files, compiled beside those: they never take what the files have. */

import { type HostMatch, hostText } from '../routing/route-table.ts'
import { error, type Problem } from '../support/problem.ts'
import { type Providers, policyWarnings } from './language/policy-warnings.ts'
import type { RefusedOffer, RouteOffer } from './offer.ts'
import { compileRoute, type RouteSurroundings } from './route/compile-routes.ts'
import type { Route } from './route.ts'

export interface OfferSurroundings {
  readonly surroundings: RouteSurroundings
  /** What `surroundings` reports to. */
  readonly problems: Problem[]
  readonly providers: Providers | undefined
  /** The routes of the files. */
  readonly fileRoutes: readonly Route[]
  /** Canonical names that no offer can take, such as that of `server.public_url`. */
  readonly ownHosts: readonly string[]
}

export interface CompiledOffers {
  readonly routes: readonly Route[]
  readonly refused: Map<string, RefusedOffer>
}

/** Compiles `offers` in steps, between which others may have their turn. What is wrong with one is no problem of the whole. */
export function* compileOffers(
  offers: readonly RouteOffer[],
  around: OfferSurroundings,
): Generator<undefined, CompiledOffers> {
  const routes: Route[] = []
  const refused = new Map<string, RefusedOffer>()
  const whyTaken = createTakenHosts(around.fileRoutes, around.ownHosts)
  for (const offer of offers) {
    const compiled = compileOffer(offer, around)
    const taken: Problem[] = []
    for (const route of compiled.routes) {
      const why = whyTaken(route.match.host)
      if (why === undefined) routes.push(route)
      else taken.push(error(route.at, why))
    }
    const broken = compiled.problems
    if (broken.length > 0 || taken.length > 0) refused.set(offer.source, { broken, taken })
    yield
  }
  return { routes, refused }
}

interface Compiled {
  readonly routes: readonly Route[]
  readonly problems: readonly Problem[]
}

function compileOffer(offer: RouteOffer, around: OfferSurroundings): Compiled {
  const wanted = compileNodes(offer, offer.routes, around)
  const problems = [
    ...wanted.problems,
    // What is wrong with a policy where this route uses it. Warnings are for whoever writes policies.
    ...wanted.routes.flatMap((route) =>
      policyWarnings(route, around.providers).filter(({ severity }) => severity === 'error'),
    ),
  ]
  if (problems.length === 0) return wanted
  // Not even their places can be read of some of them; that has been said.
  return { routes: compileNodes(offer, offer.closed, around).routes, problems }
}

function compileNodes(
  { source }: RouteOffer,
  nodes: RouteOffer['routes'],
  { surroundings, problems }: OfferSurroundings,
): Compiled {
  const before = problems.length
  const routes = nodes.flatMap((node) => compileRoute(node, surroundings) ?? [])
  const found = problems.splice(before)
  // A definition may have been compiled for the first time: what is wrong with it is the file's matter.
  problems.push(...found.filter(({ file }) => file !== source))
  return { routes, problems: found.filter(({ file }) => file === source) }
}

/** Why an offer cannot have a host. */
function createTakenHosts(
  fileRoutes: readonly Route[],
  ownHosts: readonly string[],
): (host: HostMatch) => string | undefined {
  const taken = new Map(fileRoutes.map((route) => [hostText(route.match.host), route]))
  const byFile = (name: string) => {
    const route = taken.get(name)
    return route && `\`${name}\` is a host of the policy files (${route.at.file}:${route.at.line})`
  }
  return (host) => {
    const same = byFile(hostText(host))
    if (same !== undefined) return same
    if (host.kind === 'exact') {
      return ownHosts.includes(host.name)
        ? `\`${host.name}\` is the host of \`server.public_url\``
        : byFile(`*.${parentOf(host.name)}`)
    }
    // A host with an exact route never falls to a wildcard.
    const own = ownHosts.find((name) => parentOf(name) === host.suffix && !taken.has(name))
    return own && `\`${hostText(host)}\` would take \`${own}\`, the host of \`server.public_url\``
  }
}

/** Empty where a name is but one label. */
function parentOf(name: string): string {
  return name.includes('.') ? name.slice(name.indexOf('.') + 1) : ''
}
