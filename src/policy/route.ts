/** A route as it is compiled from a policy file: where it applies, where it leads, who may pass. No logic. */

import type { RouteMatch } from '../routing/route-table.ts'
import type { Position } from '../support/problem.ts'
import type { CompiledPolicy } from './compiled-policy.ts'

/** `to`, read once at load. */
export interface UpstreamUrl {
  readonly scheme: 'http' | 'https'
  /** Name or address without brackets. */
  readonly hostname: string
  readonly port: number
  /** `scheme://host[:port]`, the port left out where it is the scheme's own. */
  readonly origin: string
  /** What a request's path is put behind; empty, or with a leading and without a final slash. */
  readonly basePath: string
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
  readonly to: UpstreamUrl | undefined
  readonly tls: {
    readonly skipVerify: boolean
    /** PEM, read at load. */
    readonly customCa: string | undefined
  }
  readonly preserveHostHeader: boolean
  readonly passIdentityHeaders: boolean
  readonly allowWebsockets: boolean
  /** 0: never. */
  readonly timeoutMs: number
  /** 0: never. */
  readonly idleTimeoutMs: number
  readonly provider: string | undefined
  readonly keepEncodedSlashes: boolean
  readonly policy: CompiledPolicy
}
