/** From the objects of a cluster to routes as they would stand in policy files, with what is wrong with each Ingress. Pure. */

import { createHash } from 'node:crypto'
import type { Config } from '../config/schema.ts'
import type { CertificateOffer, Offers, RouteOffer } from '../policy/offer.ts'
import type { Clock } from '../support/time.ts'
import { type ReadAnnotations, readAnnotations } from './annotations.ts'
import { targetOf } from './backends.ts'
import { certificatesOf, type FoundSecret } from './certificates.ts'
import { type Claim, readClaims } from './claims.ts'
import type { Finding } from './findings.ts'
import { isOurs } from './ingress-class.ts'
import {
  type IngressClassObject,
  type IngressObject,
  keyOf,
  type ServiceObject,
} from './objects.ts'
import { byAge, settleClaims } from './ownership.ts'
import { type PlainMap, routeNode } from './route-nodes.ts'

/** What is known of a cluster at one moment. */
export interface ClusterView {
  readonly classes: ReadonlyMap<string, IngressClassObject>
  readonly ingresses: Iterable<IngressObject>
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, ServiceObject>
  readonly secret: (namespace: string, name: string) => FoundSecret
}

export interface JudgedIngress {
  readonly ingress: IngressObject
  /** As in `RouteOffer`. */
  readonly source: string
  readonly findings: readonly Finding[]
  /** Whether it has any host and path. */
  readonly isServed: boolean
}

export interface Translation {
  readonly offers: Offers
  readonly ingresses: readonly JudgedIngress[]
}

/** Ours, in the order in which they get what they ask for. */
export function ourIngresses(
  { classes, ingresses }: Pick<ClusterView, 'classes' | 'ingresses'>,
  { kubernetes }: Pick<Config, 'kubernetes'>,
): readonly IngressObject[] {
  return [...ingresses]
    .filter((ingress) => isOurs(ingress, classes, kubernetes.ingress_class))
    .sort(byAge)
}

export function translate(view: ClusterView, config: Config, now: Clock): Translation {
  const ours = ourIngresses(view, config)
  const candidates = ours.map((ingress) => ({ ingress, ...readClaims(ingress) }))
  const settled = settleClaims(candidates, config.kubernetes.hosts)
  const routes: RouteOffer[] = []
  const certificates: CertificateOffer[] = []
  const ingresses: JudgedIngress[] = []
  for (const [index, { ingress, problems }] of candidates.entries()) {
    const { won = [], lost = [] } = settled[index] ?? {}
    const annotations = readAnnotations(ingress, config.kubernetes.policies)
    const refusals = [...problems, ...annotations.problems]
    const tls =
      config.server.tls === undefined
        ? { offers: [], problems: [] }
        : certificatesOf(ingress, new Set(won.map(({ host }) => host)), { ...view, now })
    const offer = offerOf(ingress, won, {
      annotations,
      view,
      config,
      isRefused: refusals.length > 0,
    })
    if (won.length > 0) routes.push(offer.route)
    certificates.push(...tls.offers)
    ingresses.push({
      ingress,
      source: offer.route.source,
      isServed: won.length > 0,
      findings: [
        ...refusals.map((message): Finding => ({ reason: 'Refused', message })),
        ...lost.map((message): Finding => ({ reason: 'Conflict', message })),
        ...offer.findings,
        ...tls.problems.map((message): Finding => ({ reason: 'CertificateUnavailable', message })),
      ],
    })
  }
  return { offers: { revision: revisionOf(routes, certificates), routes, certificates }, ingresses }
}

function revisionOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

interface OfferParts {
  readonly annotations: ReadAnnotations
  readonly view: ClusterView
  readonly config: Config
  readonly isRefused: boolean
}

function offerOf(
  ingress: IngressObject,
  claims: readonly Claim[],
  { annotations, view, config, isRefused }: OfferParts,
): { readonly route: RouteOffer; readonly findings: readonly Finding[] } {
  const source = `ingress/${keyOf(ingress)}`
  const findings = new Map<string, Finding>()
  const find = (finding: Finding) => findings.set(finding.message, finding)
  const closed = claims.map((claim) => placeOf(claim, config))
  if (isRefused) {
    const nodes = closed.map((place) => routeNode(place, source))
    return { route: { source, routes: nodes, closed: nodes }, findings: [] }
  }
  const { policies, settings } = annotations
  if (policies.length === 0) {
    const message = 'nobody is let in: name a policy of the policy files in `gatehouse.dev/policy`'
    find({ reason: 'NoPolicy', message })
  }
  const routes = claims.map((claim) => {
    const service =
      claim.backend.kind === 'service'
        ? view.services.get(`${ingress.namespace}/${claim.backend.name}`)
        : undefined
    const target = targetOf(claim.backend, ingress.namespace, service)
    if (typeof target === 'string') find({ reason: 'BackendUnavailable', message: target })
    return {
      ...placeOf(claim, config),
      ...(typeof target === 'string' ? withoutUpstream(settings) : towards(target, settings)),
      ...(policies.length === 0 ? {} : { policy: policies.map((use) => ({ use })) }),
    }
  })
  return {
    route: {
      source,
      routes: routes.map((route) => routeNode(route, source)),
      closed: closed.map((place) => routeNode(place, source)),
    },
    findings: [...findings.values()],
  }
}

/** Scheme and port are those of `server.public_url`: what ends TLS there ends it here. */
function placeOf({ host, kind, path }: Claim, { server }: Config): PlainMap {
  const { protocol, port } = new URL(server.public_url)
  return { from: `${protocol}//${host}${port === '' ? '' : `:${port}`}`, [kind]: path }
}

function towards(target: PlainMap, settings: PlainMap): PlainMap {
  if (settings['preserve_host_header'] !== true) return { ...target, ...settings }
  const { host_rewrite: _, ...rest } = target
  return { ...rest, ...settings }
}

/** To those whom the policy lets in. */
function withoutUpstream(settings: PlainMap): PlainMap {
  return {
    ...settings,
    response: { status: 503, body: 'What is behind this address is not there at the moment.\n' },
  }
}
