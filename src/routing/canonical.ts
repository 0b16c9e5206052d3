/** The one reading of a request: raw host, method and target become a canonical request, or are refused. */

/** What is wrong with a request, for the log; the client sees MALFORMED_REQUEST. */
export interface Refusal {
  readonly kind: 'refused'
  readonly detail: string
}

export interface CanonicalHost {
  readonly kind: 'host'
  /** Lower case, without a final dot, without port: what routes are found by. An IPv6 address keeps its brackets. */
  readonly name: string
  /** As `X-Forwarded-Host` says it: the canonical name with the port that the client wrote. */
  readonly authority: string
}

export interface CanonicalPath {
  readonly kind: 'path'
  /** What goes upstream: canonical, percent-encoded as the client wrote it but for RFC 3986 §6.2.2. */
  readonly encoded: string
  /** The same, decoded once as UTF-8: what routes and policies see (product 3.1). */
  readonly decoded: string
  /** With its leading `?`, exactly as sent; empty where there is none. */
  readonly query: string
}
