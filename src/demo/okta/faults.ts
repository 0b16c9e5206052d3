/** What goes wrong at the Okta stand-in when a test switches it on. Everything is off at the start and after `clear`. */

import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

export type OktaEndpoint =
  | 'discovery'
  | 'keys'
  | 'authorize'
  | 'token'
  | 'userinfo'
  | 'logout'
  | 'par'
  | 'introspect'
  | 'revoke'
  | 'api'

/** What an endpoint does in place of its work. */
export type EndpointFault =
  | { readonly kind: 'status'; readonly status: number; readonly body?: string }
  /** 429 with E0000047 and a window that is used up; `concurrent` as for too many calls at once, with a limit of 0. */
  | {
      readonly kind: 'rate-limited'
      readonly resetInSeconds?: number
      readonly concurrent?: boolean
    }
  /** 200 with a web page, as a captive portal or a proxy sends it. */
  | { readonly kind: 'html' }
  /** 200 with this body. */
  | { readonly kind: 'body'; readonly body: string; readonly contentType?: string }
  /** No answer at all. */
  | { readonly kind: 'hang' }
  /** The right answer, after a while. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** It does its work at once, and what it answers comes after a while. */
  | { readonly kind: 'late'; readonly ms: number }
  /** A head, and a body that never ends. */
  | { readonly kind: 'slow-body' }
  /** The connection is closed. */
  | { readonly kind: 'cut' }

/** How an ID token is wrong. */
export type IdTokenFault =
  | { readonly kind: 'claims'; readonly claims: Readonly<Record<string, unknown>> }
  /** Signed with another key under the right `kid`. */
  | { readonly kind: 'signature' }
  /** Signed with a key that is not published. */
  | { readonly kind: 'unknown-kid' }
  | { readonly kind: 'no-kid' }
  | { readonly kind: 'alg-none' }
  /** HS256 with the public key, in PEM, as secret. */
  | { readonly kind: 'hs256' }
  | { readonly kind: 'missing' }

export interface Faults {
  /** The clock of its tokens, in seconds ahead of the true time. */
  clockSkewSeconds: number
  idToken: IdTokenFault | undefined
  /** UserInfo speaks of this `sub`. */
  userInfoSub: string | undefined
  /** Codes have run out when they are redeemed. */
  codesExpired: boolean
  /** Refresh tokens are not accepted any more. */
  refreshRevoked: boolean
  /** `acr_values` cannot be met. */
  acrUnmet: boolean
  /** Metadata in place of, or beside, the right ones. */
  metadata: Readonly<Record<string, unknown>>
  /** The next `times` calls of `endpoint` fail; default all. */
  fail(endpoint: OktaEndpoint, fault: EndpointFault, times?: number): void
  /** The fault for this call, if any; counts it. */
  take(endpoint: OktaEndpoint): EndpointFault | undefined
  /** Everything works again. */
  clear(): void
}

const NONE = {
  clockSkewSeconds: 0,
  idToken: undefined,
  userInfoSub: undefined,
  codesExpired: false,
  refreshRevoked: false,
  acrUnmet: false,
  metadata: {},
}

export function createFaults(): Faults {
  const byEndpoint = new Map<OktaEndpoint, { fault: EndpointFault; left: number }>()
  const faults: Faults = {
    ...NONE,
    fail: (endpoint, fault, left = Number.POSITIVE_INFINITY) => {
      byEndpoint.set(endpoint, { fault, left })
    },
    take: (endpoint) => {
      const entry = byEndpoint.get(endpoint)
      if (entry === undefined || entry.left <= 0) return undefined
      entry.left--
      return entry.fault
    },
    clear: () => {
      byEndpoint.clear()
      Object.assign(faults, NONE)
    },
  }
  return faults
}

const HTML = '<!doctype html><title>Sign in to the network</title><p>Please accept the terms.</p>'

/** Acts out `fault`; true where the endpoint is still to do its work. */
export async function actOut(
  fault: EndpointFault,
  response: ServerResponse,
  nowMs: number,
): Promise<boolean> {
  switch (fault.kind) {
    case 'status':
      response.writeHead(fault.status, { 'content-type': 'application/json' })
      response.end(fault.body ?? '')
      return false
    case 'rate-limited': {
      const { resetInSeconds = 60, concurrent = false } = fault
      response.writeHead(429, {
        'content-type': 'application/json',
        date: new Date(nowMs).toUTCString(),
        'x-rate-limit-limit': concurrent ? '0' : '600',
        'x-rate-limit-remaining': '0',
        'x-rate-limit-reset': String(Math.ceil(nowMs / 1_000) + resetInSeconds),
        'x-okta-request-id': 'stand-in-429',
      })
      response.end(JSON.stringify(RATE_LIMITED))
      return false
    }
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end(HTML)
      return false
    case 'body':
      response.writeHead(200, { 'content-type': fault.contentType ?? 'application/json' })
      response.end(fault.body)
      return false
    case 'hang':
      return false
    case 'delay':
      await wait(fault.ms)
      return true
    case 'late':
      return true
    case 'slow-body':
      response.writeHead(200, { 'content-type': 'application/json' }).write('{')
      return false
    case 'cut':
      response.destroy()
      return false
  }
}

/** What is written to `response` at its end goes out `ms` later. */
export function delayEnd(response: ServerResponse, ms: number): void {
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse
  response.end = ((...args: unknown[]) => {
    setTimeout(() => end(...args), ms)
    return response
  }) as typeof response.end
}

const RATE_LIMITED = {
  errorCode: 'E0000047',
  errorSummary: 'API call exceeded rate limit due to too many requests.',
  errorLink: 'E0000047',
  errorId: 'stand-in',
  errorCauses: [],
}
