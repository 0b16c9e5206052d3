/** One request to an endpoint of ours: what was read of it, and what is in force while it is answered. */

import type { FastifyRequest } from 'fastify'
import type { Snapshot } from '../config/snapshot.ts'
import type { Directory } from '../identity/directory/directory.ts'
import type { LocalAdmins } from '../identity/local-admins.ts'
import type { Provider } from '../identity/provider/provider.ts'
import type { RateLimits } from '../identity/rate-limits.ts'
import type { ResolveGroups } from '../identity/session-groups.ts'
import type { Sessions } from '../identity/sessions.ts'
import { type Brand, brandOf } from '../pages/brand.ts'
import type { Audit } from '../support/audit.ts'
import type { Log } from '../support/log.ts'
import type { Clock } from '../support/time.ts'
import { type Exchange, exchangeOf } from './exchange.ts'
import { createSeals, type Seals } from './seals.ts'
import { type ServedOrigins, servedOrigins } from './served-origins.ts'

/** How a sign-in came out, for the metrics: a closed list. */
export type SignInResult =
  | 'ok'
  | 'denied'
  | 'unmet'
  | 'unavailable'
  | 'invalid-answer'
  | 'misconfigured'
  | 'restart'
  | 'malformed'
  | 'store-unavailable'

export interface EndpointOptions {
  readonly snapshot: () => Snapshot
  readonly sessions: Sessions
  readonly resolveGroups: ResolveGroups
  /** By the provider's name. */
  readonly directories: () => ReadonlyMap<string, Pick<Directory, 'forget' | 'forgetAll'>>
  readonly rateLimits: RateLimits
  readonly localAdmins: LocalAdmins
  /** By the name that the config gives them. */
  readonly providers: () => ReadonlyMap<string, Provider>
  readonly assertion: () => { readonly jwks: object }
  /** Decoded `session.secret`: the first seals, all open. */
  readonly secrets: () => readonly Uint8Array[]
  readonly now: Clock
  readonly log: Log
  readonly audit: Audit
  readonly onSignIn: (provider: string, result: SignInResult) => void
  /** The store could not answer. */
  readonly onStoreFailed: () => void
}

export interface Visit extends Exchange {
  readonly method: string
  readonly head: boolean
  readonly query: URLSearchParams
  /** Of a form that was posted. */
  readonly form: Readonly<Record<string, unknown>>
  /** Of a body that is no form. */
  readonly body: string | undefined
  readonly authorization: string | undefined
  /** By name; of two with one name the first. */
  readonly cookies: Readonly<Record<string, string | undefined>>
  readonly rawHeaders: readonly string[]
  readonly accept: string
  readonly userAgent: string
  readonly fetchSite: string | undefined
  readonly originHeader: string | undefined
  readonly snapshot: Snapshot
  readonly brand: Brand
  readonly publicOrigin: string
  readonly served: ServedOrigins
  readonly providers: ReadonlyMap<string, Provider>
  readonly sessions: Sessions
  readonly resolveGroups: ResolveGroups
  readonly directories: ReadonlyMap<string, Pick<Directory, 'forget' | 'forgetAll'>>
  readonly rateLimits: RateLimits
  readonly localAdmins: LocalAdmins
  readonly seals: Seals
  /** Public keys of the assertion. */
  readonly jwks: () => object
  readonly now: Clock
  readonly log: Log
  /** Tells what has come of this request; who asked is added. */
  readonly audit: Audit
  readonly onSignIn: EndpointOptions['onSignIn']
  readonly onStoreFailed: () => void
}

/** A request keeps the snapshot and the providers that it began with. */
export function visitOf(request: FastifyRequest, options: EndpointOptions): Visit {
  const exchange = exchangeOf(request)
  const snapshot = options.snapshot()
  const { headers } = request.raw
  return {
    ...exchange,
    method: request.method,
    head: request.method === 'HEAD',
    query: new URLSearchParams(exchange.path.query),
    form: isRecord(request.body) ? request.body : {},
    body: typeof request.body === 'string' ? request.body : undefined,
    authorization: headers.authorization,
    cookies: request.cookies,
    rawHeaders: request.raw.rawHeaders,
    accept: headers.accept ?? '',
    userAgent: headers['user-agent'] ?? '',
    fetchSite: text(headers['sec-fetch-site']),
    originHeader: headers.origin,
    snapshot,
    brand: brandOf(snapshot),
    publicOrigin: snapshot.config.server.public_url,
    served: servedOrigins(snapshot),
    providers: options.providers(),
    sessions: options.sessions,
    resolveGroups: options.resolveGroups,
    directories: options.directories(),
    rateLimits: options.rateLimits,
    localAdmins: options.localAdmins,
    seals: createSeals(options.secrets()),
    jwks: () => options.assertion().jwks,
    now: options.now,
    log: options.log,
    audit: (event) =>
      options.audit({
        ...event,
        request_id: exchange.requestId,
        source_ip: exchange.clientAddress,
      }),
    onSignIn: options.onSignIn,
    onStoreFailed: options.onStoreFailed,
  }
}

/** Whether a program asks for what browsers are shown as a page. */
export function wantsJson({ pageVisit, accept }: Visit): boolean {
  return !pageVisit && accept.includes('application/json')
}

/** The value of a parameter that is there once; one that is repeated says nothing. */
export function single(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name)
  return values.length === 1 ? values[0] : undefined
}

function text(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
