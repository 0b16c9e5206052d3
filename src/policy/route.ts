/** A route as it is compiled from a policy file: where it applies, where it leads, who may pass. No logic. */

import type { PathRewrite } from '../routing/path-rewrite.ts'
import type { RedirectTarget } from '../routing/redirect.ts'
import type { RouteMatch } from '../routing/route-table.ts'
import type { Position } from '../support/problem.ts'
import type { CompiledPolicy } from './compiled-policy.ts'
import type { ClaimLookup } from './language/claim-path.ts'

/** One URL of `to`, read once at load. */
export interface UpstreamUrl {
  readonly scheme: 'http' | 'https'
  /** HTTP/2 without TLS, known beforehand: `h2c://`. Over TLS the two sides agree on a version. */
  readonly h2c: boolean
  /** Name or address without brackets. */
  readonly hostname: string
  readonly port: number
  /** `scheme://host[:port]`, the port left out where it is the scheme's own. */
  readonly origin: string
  /** Absolute path of a unix socket, in place of host and port. */
  readonly socketPath: string | undefined
  /** What a request's path is put behind; empty, or with a leading and without a final slash. */
  readonly basePath: string
}

/** Where a route's requests go. */
export interface UpstreamTargets {
  /** At least one; all have the same `basePath`. */
  readonly urls: readonly WeightedUrl[]
  readonly policy: 'ROUND_ROBIN' | 'LEAST_REQUEST'
  readonly healthCheck: HealthCheck | undefined
}

export interface WeightedUrl extends UpstreamUrl {
  /** Its share of the requests, as a part of the sum of all weights. */
  readonly weight: number
}

/** Asking each upstream regularly whether it is well. */
export interface HealthCheck {
  readonly path: string
  readonly intervalMs: number
  readonly timeoutMs: number
  /** So many failures in a row, and an upstream gets no requests. */
  readonly unhealthy: number
  /** So many good answers in a row, and it gets them again. */
  readonly healthy: number
}

/** What is answered in place of an upstream, to those whom the policy lets in. */
export type OwnAnswer =
  | { readonly kind: 'redirect'; readonly status: number; readonly target: RedirectTarget }
  | {
      readonly kind: 'response'
      readonly status: number
      readonly body: string
      readonly contentType: string
    }

/** A piece of a header's value; all but text is another for each session, and absent without one. */
export type HeaderPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'claim'; readonly name: string; readonly lookUp: ClaimLookup }
  | { readonly kind: 'jwt' | 'id_token' | 'access_token' }

export interface SetHeader {
  readonly name: string
  readonly parts: readonly HeaderPart[]
}

export interface RequestHeaderChanges {
  readonly set: readonly SetHeader[]
  /** What a client sends under these names (support/header-name.ts, `plainName`) goes no further. */
  readonly dropped: ReadonlySet<string>
  readonly usesAssertion: boolean
  readonly usesTokens: boolean
}

export interface ResponseHeaderChanges {
  /** Names and values in turn. */
  readonly headers: readonly string[]
  /** In lower case: the upstream's own are left out. */
  readonly names: ReadonlySet<string>
}

/** Whose access tokens a route admits in place of a session. */
export interface RouteBearer {
  /** The provider's name in the config. */
  readonly provider: string
  /** A token for any of these is admitted. Never empty. */
  readonly audiences: readonly string[]
  /** Whether the upstream gets the token too. */
  readonly forward: boolean
  readonly at: Position
}

/** How long sessions last on a route, where that is less than elsewhere. Infinite: as elsewhere. */
export interface RouteSession {
  readonly at: Position
  /** Since the sign-in. */
  readonly lifetimeMs: number
  /** Since the last use, on whatever route. */
  readonly idleMs: number
}

export interface Route {
  /** Given by `name`, else derived from host and path. */
  readonly name: string
  /** Whether the name is given; given names are unique, derived ones may be alike. */
  readonly isNamed: boolean
  readonly description: string | undefined
  readonly at: Position
  readonly match: RouteMatch
  /** Scheme and host of `from`, with its port where one is written: `https://grafana.example.com`. */
  readonly origin: string
  readonly secure: boolean
  readonly to: UpstreamTargets | undefined
  /** A route has it or `to`, never both. */
  readonly ownAnswer: OwnAnswer | undefined
  /** How the path changes on its way upstream. */
  readonly rewrite: PathRewrite | undefined
  /** Sent as `Host` in place of the upstream's own. */
  readonly hostRewrite: string | undefined
  readonly requestHeaders: RequestHeaderChanges | undefined
  readonly responseHeaders: ResponseHeaderChanges | undefined
  /** What of the config's `identity_headers` is another here. */
  readonly identityHeaders:
    | {
        /** Names of headers with the claims that they carry. */
        readonly headers: ReadonlyMap<string, string> | undefined
        readonly groups: 'named' | 'all' | 'none' | undefined
      }
    | undefined
  /** Whom the policy refuses is let through, and only the log says so. */
  readonly reportOnly: boolean
  /** Origins besides the route's own that may open WebSockets; `any` also takes all others. */
  readonly websocketOrigins: ReadonlySet<string> | 'any' | undefined
  /** Whom to ask, on pages about this route. */
  readonly contact: string | undefined
  readonly logoUrl: string | undefined
  readonly tls: {
    readonly skipVerify: boolean
    /** PEM, read at load. */
    readonly customCa: string | undefined
    /** Asked for and verified in place of the name in `to`. */
    readonly serverName: string | undefined
    /** PEM, read at load; the key is the certificate's. */
    readonly client: { readonly cert: string; readonly key: string } | undefined
  }
  readonly preserveHostHeader: boolean
  readonly passIdentityHeaders: boolean
  readonly allowWebsockets: boolean
  /** Strict-Transport-Security in place of the config's; 0: none. */
  readonly hstsMs: number | undefined
  /** 0: never. */
  readonly timeoutMs: number
  /** 0: never. */
  readonly idleTimeoutMs: number
  readonly provider: string | undefined
  readonly session: RouteSession | undefined
  readonly bearer: RouteBearer | undefined
  readonly keepEncodedSlashes: boolean
  readonly policy: CompiledPolicy
}
