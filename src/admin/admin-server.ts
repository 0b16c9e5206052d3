/** The second listener: health, readiness, metrics and what is in force. Never reachable from the public one. */

import { createHash, timingSafeEqual } from 'node:crypto'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Audit } from '../support/audit.ts'
import type { Log } from '../support/log.ts'
import { isLoopback } from '../support/loopback.ts'
import type { Secret } from '../support/secret.ts'
import type { EpochMs } from '../support/time.ts'
import { type DecisionRouteParts, decisionRoutes } from './decision-routes.ts'
import type { MetricsText } from './metrics.ts'
import { broughtToken } from './operator/operator-access.ts'
import type { OperatorParts } from './operator/operator-parts.ts'
import { operatorRoutes } from './operator/operator-routes.ts'
import { sessionRoutes } from './session-routes.ts'
import { createTokenGuesses } from './token-guesses.ts'

export interface ConfigStatus {
  readonly revision: string
  readonly loadedAt: EpochMs
  readonly lastError:
    | {
        readonly message: string
        readonly file: string
        readonly line: number
        readonly column: number
        readonly at: EpochMs
      }
    | undefined
  /** Config keys whose change waits for a restart. */
  readonly restartNeeded: readonly string[]
}

export interface AdminParts extends DecisionRouteParts {
  /** The host part of `admin_listen`. */
  readonly listenHost: string
  token(): Secret | undefined
  /** False while starting and draining. */
  ready(): boolean
  configStatus(): ConfigStatus
  readonly metrics: MetricsText
  readonly sessions: OperatorParts['sessions']
  /** What only the operator's pages ask for. */
  readonly operator: Pick<OperatorParts, 'snapshot' | 'health' | 'testPeople' | 'now'>
  readonly audit: Audit
  readonly log: Log
}

export function createAdminServer(parts: AdminParts): FastifyInstance {
  const admin = Fastify({ logger: false, forceCloseConnections: true, bodyLimit: 64 * 1024 })
  admin.setNotFoundHandler((_request, reply) => {
    reply.code(404).send({ error: 'NO_ROUTE', message: 'There is nothing at this address.' })
  })
  admin.addHook('onRequest', refuseIf(foreignOrigin))
  admin.get('/healthz', (_request, reply) => {
    reply.send({ status: 'ok' })
  })
  admin.get('/readyz', (request, reply) => {
    const ready = parts.ready()
    const { lastError } = parts.configStatus()
    const isTold = lastError !== undefined && foreignName(request, parts) === undefined
    reply.code(ready ? 200 : 503).send({
      status: ready ? 'ready' : 'not ready',
      ...(isTold ? { last_reload: `refused: ${lastError.message}` } : {}),
    })
  })
  const ownName = { onRequest: refuseIf((request) => foreignName(request, parts)) }
  admin.get('/metrics', ownName, async (_request, reply) => {
    reply.type(parts.metrics.contentType)
    return parts.metrics.text()
  })
  const refusal = createRefusals(parts)
  admin.register((guarded, _options, done) => {
    guarded.addHook('onRequest', refuseIf(refusal(bearerRefusal)))
    guarded.get('/config', (_request, reply) => {
      reply.header('cache-control', 'no-store').send(configJson(parts.configStatus()))
    })
    sessionRoutes(guarded, parts)
    decisionRoutes(guarded, parts)
    done()
  })
  admin.register((pages, _options, done) => {
    pages.addHook('onRequest', refuseIf(refusal(pageRefusal)))
    operatorRoutes(pages, { ...parts, ...parts.operator })
    done()
  })
  return admin
}

interface AdminRefusal {
  readonly status: number
  readonly error: string
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
}

function refuseIf(judge: (request: FastifyRequest) => AdminRefusal | undefined) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const refusal = judge(request)
    if (refusal === undefined) return undefined
    reply.header('cache-control', 'no-store').headers(refusal.headers ?? {})
    return reply.code(refusal.status).send({ error: refusal.error, message: refusal.message })
  }
}

/** A page in somebody's browser that says its origin has no business here, not even to ask for health. */
function foreignOrigin({ headers }: FastifyRequest): AdminRefusal | undefined {
  const { origin, host = '' } = headers
  const isOwn = origin === undefined ? !isFetchedElsewhere(headers) : isOwnOrigin(origin, host)
  if (isOwn) return undefined
  return {
    status: 403,
    error: 'ACCESS_DENIED',
    message: 'Requests from other origins are refused.',
  }
}

/** Pictures and scripts are fetched without an Origin; a link that somebody follows is no such thing. Fetch Metadata §2 */
function isFetchedElsewhere(headers: FastifyRequest['headers']): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers
  return (site === 'cross-site' || site === 'same-site') && mode !== 'navigate'
}

type Refusal = (request: FastifyRequest, parts: AdminParts) => AdminRefusal | undefined

/** What refuses is told to the audit log; an address that brings wrong tokens again and again waits for both listings and pages. */
function createRefusals(
  parts: AdminParts,
): (judge: Refusal) => (request: FastifyRequest) => AdminRefusal | undefined {
  const guesses = createTokenGuesses(parts.operator.now, parts.log)
  return (judge) => (request) => {
    const { authorization } = request.headers
    const wait = authorization === undefined ? undefined : guesses.waitSeconds(request.ip)
    // Not one by one in the audit log, which whoever guesses could fill.
    if (wait !== undefined) return tooManyGuesses(wait)
    const refusal = judge(request, parts)
    if (refusal === undefined) return undefined
    const isWrong = refusal.status === 401 && authorization !== undefined
    if (isWrong) guesses.wrong(request.ip)
    // Browsers ask once without a password, to hear that one is wanted.
    if (isWrong || judge === bearerRefusal || refusal.status !== 401) {
      auditRefusal(request, refusal, parts.audit)
    }
    return refusal
  }
}

function tooManyGuesses(seconds: number): AdminRefusal {
  return {
    status: 429,
    error: 'RATE_LIMITED',
    message: 'Too many wrong tokens came from this address: try again later.',
    headers: { 'retry-after': String(seconds) },
  }
}

/** On loopback the machine's own users are trusted, but no page in their browser whose name was made to point here (DNS rebinding). */
function foreignName(
  { headers: { host = '' } }: FastifyRequest,
  { listenHost }: AdminParts,
): AdminRefusal | undefined {
  if (!isLoopback(listenHost) || isLoopback(hostName(host))) return undefined
  return {
    status: 403,
    error: 'ACCESS_DENIED',
    message: 'Ask by a loopback name, such as localhost.',
  }
}

/** Beyond loopback the token decides. */
function bearerRefusal(request: FastifyRequest, parts: AdminParts): AdminRefusal | undefined {
  if (isLoopback(parts.listenHost)) return foreignName(request, parts)
  const token = parts.token()
  if (token === undefined) {
    return { status: 404, error: 'NO_ROUTE', message: 'There is nothing at this address.' }
  }
  if (sameText(request.headers.authorization ?? '', `Bearer ${token.reveal()}`)) return undefined
  return {
    status: 401,
    error: 'BAD_TOKEN',
    message: 'Send `server.admin_token` as a Bearer token.',
  }
}

function auditRefusal({ ip }: FastifyRequest, { error }: AdminRefusal, audit: Audit): void {
  const event = 'admin_action'
  audit({ event, action: 'access', outcome: 'refused', reason: error, by: 'admin', source_ip: ip })
}

/** The same for the pages, to which browsers bring the token as a password. */
function pageRefusal(request: FastifyRequest, parts: AdminParts): AdminRefusal | undefined {
  const refusal = bearerRefusal(request, parts)
  if (refusal?.status !== 401) return refusal
  const brought = broughtToken(request.headers.authorization)
  if (brought !== undefined && sameText(brought, parts.token()?.reveal() ?? '')) return undefined
  return {
    ...refusal,
    message: 'Give `server.admin_token` as the password, with any name.',
    headers: { 'www-authenticate': 'Basic realm="gatehouse admin", charset="UTF-8"' },
  }
}

function isOwnOrigin(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase()
}

/** Compared as hashes, so that neither length nor content shows in the time taken. */
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function configJson({ revision, loadedAt, lastError, restartNeeded }: ConfigStatus): object {
  return {
    revision,
    loaded_at: new Date(loadedAt).toISOString(),
    last_error:
      lastError === undefined ? null : { ...lastError, at: new Date(lastError.at).toISOString() },
    restart_needed: restartNeeded,
  }
}
