/** What has been read of a request before it comes here; handlers look at nothing of its raw target or Host. */

import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { GatehouseError } from '../errors.ts'
import type { CanonicalHost, CanonicalPath } from '../routing/canonical.ts'

/** A request as the listener read it, once. */
export interface Exchange {
  readonly host: CanonicalHost
  readonly path: CanonicalPath
  /** Scheme, host and port by which browsers know this host: of its routes, or `public_url`. */
  readonly origin: string
  /** True where browsers reach it by https. */
  readonly secure: boolean
  /** Strict-Transport-Security for answers on this host. */
  readonly hsts: string | undefined
  readonly requestId: string
  readonly clientAddress: string
  /** True where a page is visited: it may be answered by one, and sent to sign in. */
  readonly pageVisit: boolean
  /** True on the host of `public_url`. */
  readonly isPublicUrl: boolean
}

export const EXCHANGE: unique symbol = Symbol('gatehouse exchange')

type WithExchange = IncomingMessage & { [EXCHANGE]?: Exchange }

/** Attaches what was read before the request is handed on. */
export function attachExchange(request: IncomingMessage, exchange: Exchange): void {
  ;(request as WithExchange)[EXCHANGE] = exchange
}

export function hasExchange(request: FastifyRequest): boolean {
  return (request.raw as WithExchange)[EXCHANGE] !== undefined
}

/** @throws GatehouseError INTERNAL for a request that came past the listener: nothing about it has been judged */
export function exchangeOf(request: FastifyRequest): Exchange {
  const exchange = (request.raw as WithExchange)[EXCHANGE]
  if (exchange === undefined) {
    throw new GatehouseError('INTERNAL', 'a request reached the endpoints without being read first')
  }
  return exchange
}
